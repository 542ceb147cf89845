"""Random lives with commitments: terms come to what is owed, whatever comes late or again.

The second model is one sentence: of each term that is over its true-ups come to what its usage, a
dollar a call, lacks of the commitment. It knows nothing of documents.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from billing.invoicing.invoices import InvoiceStatus
from billing.rating.lines import LineType
from repositories.invoicing import invoices
from services.documents.contents import priced_line_of
from services.invoicing import payment_status
from services.lifecycle import reissue
from services.usage.rollups import rebuild_rollups
from tests.services.invoicing.bills import mark_changed, pass_to, require_proven, require_sums
from tests.services.invoicing.commitments.committed import begin
from tests.services.lives import Life
from tests.services.receipts_of import with_signer
from tests.services.shop import Shop
from tests.services.usage_facts import Fact, store_events

LIVES = 6
MONTHS = 5
SETTLED = datetime(2025, MONTHS + 3, 1, 2, tzinfo=UTC)


class RandomLife:
    """A customer whose usage comes in time and late, and some of whose bills are issued again."""

    def __init__(self, life: Life, numbers: Random) -> None:
        self.life, self.numbers = life, numbers
        self.used: dict[int, int] = defaultdict(int)

    def use(self, month: int, amount: int, *, late: bool) -> None:
        at = datetime(2025, month + 1, self.numbers.randint(1, 28), tzinfo=UTC)
        event = Fact(at=at, value=Decimal(amount), late=late)
        customer_id = self.life.row().customer_id
        store_events(self.life.shop, customer_id, self.life.meter_id(), [event])
        self.life.shop.read(rebuild_rollups)
        self.used[month] += amount
        if late:
            mark_changed(self.life, at)

    def pass_month(self, month: int) -> None:
        """It is used, billed and final; then something happens to what was billed before."""
        self.use(month, self.numbers.randint(0, 80), late=False)
        pass_to(self.life, datetime(2025, month + 2, 1, 2, tzinfo=UTC))
        former = self.numbers.randint(0, month)
        match self.numbers.choice(["late", "late", "less", "reissue", "nothing"]):
            case "late":
                self.use(former, self.numbers.randint(1, 90), late=True)
            case "less":
                self.use(former, -self.numbers.randint(0, self.used[former]), late=True)
            case "reissue":
                self.issue_again(former)

    def issue_again(self, month: int) -> None:
        shop = self.life.shop
        found = shop.read(invoices.find_period_invoice, self.life.subscription_id, month)
        assert found is not None
        shop.do(
            lambda session, of, now: payment_status.change_status(
                session, of, found.id, InvoiceStatus.VOID, note=None, now=now
            )
        )
        shop.do(reissue.reissue_invoice, found.id)
        self.life.catch_up()

    def true_ups(self) -> dict[int, Decimal]:
        """What final bills say of each term, by its first month."""
        said: dict[int, Decimal] = defaultdict(Decimal)
        final = [one for one in self.life.invoices() if one.status in ("OPEN", "PAID")]
        for row in self.life.shop.read(invoices.list_lines, [one.id for one in final]):
            if row.type == LineType.TRUE_UP:
                true_up = priced_line_of(row).true_up
                assert true_up is not None
                said[true_up.periods[0].period_index] += row.line_total
        return said


@pytest.mark.parametrize("seed", range(LIVES))
def test_terms_come_to_what_usage_lacks_of_them(shop: Shop, seed: int) -> None:
    numbers = Random(seed)
    amount, term = numbers.randint(20, 300), numbers.randint(1, 3)
    life = begin(with_signer(shop), str(amount), term_periods=term)
    lived = RandomLife(life, numbers)

    for month in range(MONTHS):
        lived.pass_month(month)
    pass_to(life, SETTLED + timedelta(days=1))

    said = lived.true_ups()
    over = [first for first in range(0, MONTHS + 2, term) if first + term <= MONTHS + 2]
    for first in over:
        spent = sum(lived.used[month] for month in range(first, first + term))
        assert said[first] == max(0, amount - spent), (first, dict(said), dict(lived.used))
    require_proven(life)
    require_sums(life)
