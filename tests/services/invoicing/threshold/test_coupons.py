"""Coupons of customers who are billed as their periods run: of the period, and in its last bill.

*Source: CREDITS 13, 23, 24.* A coupon counts bills of periods, and a threshold invoice bills what
rating says of a period so far; so all invoices of a period come to what one bill would have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.invoicing.invoices import InvoiceStatus
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.discounts import coupons, redemptions
from services.discounts.coupons import CreateCoupon
from tests.billing.profiles import PROFILE
from tests.services.invoicing.bills import FEBRUARY, pass_to
from tests.services.invoicing.commitments.committed import MARCH, require_agreed
from tests.services.invoicing.prepaid.drawn import FIFTEENTH
from tests.services.invoicing.threshold.stepped import begin_stepped, look, require_sound, shown
from tests.services.invoicing.threshold.test_by_model import STEP, TARIFFS, Child, Story
from tests.services.lives import Life
from tests.services.receipts_of import with_signer
from tests.services.shop import open_shop

EXAMPLES: Final = {"quick": 2, "default": 6, "gate": 40, "deep": 1_000}


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A coupon as a child reads it: a part of the whole, or so many cents and no more than all."""

    percent: int | None = None
    cents: int | None = None
    months: int | None = None

    def off(self, whole: int) -> int:
        """What it takes off a bill of so many cents."""
        if self.percent is not None:
            return int(Fraction(whole * self.percent, 100) + Fraction(1, 2))
        return min(whole, self.cents or 0)

    def give(self, life: Life) -> None:
        """The life's customer has it."""
        command = CreateCoupon(
            code="PAPER",
            percent=None if self.percent is None else Decimal(self.percent),
            amount=None if self.cents is None else Decimal(self.cents) / 100,
            currency=None if self.cents is None else "USD",
            use_limit=self.months,
        )
        life.shop.do(coupons.create_coupon, command)
        life.shop.do(redemptions.redeem_coupon, life.row().customer_id, command.code)


PAPERS: Final = st.one_of(
    st.builds(
        Paper,
        percent=st.sampled_from([1, 10, 33, 50, 100]),
        months=st.sampled_from([1, 2, None]),
    ),
    st.builds(
        Paper,
        cents=st.integers(1, 4_000),
        months=st.sampled_from([1, 2, None]),
    ),
)


@pytest.fixture(scope="module")
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """A database for every life."""
    engine = create_application_engine(module_database_url)
    yield Transactions(engine)
    engine.dispose()


@pytest.mark.parametrize("name", ["plain", "tiers", "volume", "minimum"])
def test_all_invoices_come_to_what_one_would_have_with_a_coupon(
    transactions: Transactions, name: str
) -> None:
    """Two months, of which the second may be without it, and what is used in the first."""
    tariff = TARIFFS[name]

    @settings(
        max_examples=EXAMPLES[PROFILE] // 2,
        deadline=None,
        derandomize=PROFILE == "default",
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(steps=st.lists(STEP, max_size=8), threshold=st.integers(1, 25), paper=PAPERS)
    def compare(steps: list[int | str], threshold: int, paper: Paper) -> None:
        life = begin_stepped(open_shop(transactions), str(threshold), tariff.charge)
        paper.give(life)
        child = Child(tariff, threshold * 100)
        story = Story(life, child)
        for step in steps:
            story.act(step)
        pass_to(life, MARCH)

        whole = sum(child.asked) + child.end()
        january = whole - paper.off(whole)
        february, uses = tariff.minimum, int(paper.off(whole) > 0)
        if paper.months is None or uses < paper.months:
            february -= paper.off(february)
        assert due(life) * 100 == january + february
        require_sound(life)

    compare()


def test_what_a_coupon_takes_off_beyond_the_rest_is_left_on_the_account(
    transactions: Transactions, tmp_path: Path
) -> None:
    life = begin_stepped(with_signer(open_shop(transactions)))
    Paper(percent=20, months=1).give(life)
    life.use(FIFTEENTH, 60)
    step = look(life)
    assert step is not None
    assert (step.total, step.coupons_total) == (60, 0)
    life.use(FIFTEENTH, 5)

    pass_to(life, FEBRUARY)

    last = life.invoices()[-1]
    assert shown(life, last) == [("usage", "65"), ("invoiced_before", "-60"), ("adjustment", "8")]
    assert (last.coupons_total, last.total, last.carried_credit) == (13, 0, 8)
    require_agreed(life, tmp_path)


def due(life: Life) -> Decimal:
    """What all invoices that are not void come to, but for what moves over the account."""
    return sum(
        (
            one.total - one.carried_credit + one.granted_credit
            for one in life.invoices()
            if one.status not in (InvoiceStatus.VOID, InvoiceStatus.DRAFT)
        ),
        Decimal(0),
    )
