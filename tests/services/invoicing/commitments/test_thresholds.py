"""A commitment is filled up at the end of its term, by all that threshold invoices billed as well.

*Source: CREDITS.md rules 22 and 24.*
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from billing.money import plain_text
from repositories.transactions import Transactions
from services.invoicing.threshold import amounts
from tests.services.invoicing.bills import GRACE_OVER, invoices_of, pass_to, use
from tests.services.invoicing.commitments.committed import MARCH, begin, require_agreed
from tests.services.invoicing.threshold.stepped import kinds, look, require_sound
from tests.services.lives import Life
from tests.services.receipts_of import with_signer
from tests.services.shop import Shop, open_shop


@pytest.fixture
def shop(transactions: Transactions) -> Shop:
    """A new organization, in a process that signs receipts."""
    return with_signer(open_shop(transactions))


def step_twice(life: Life) -> None:
    """Two invoices of 60 and 70 in January, and 5 that are left to its end."""
    life.shop.do(amounts.set_threshold, life.subscription_id, Decimal(50))
    use(life, (5, "60"))
    look(life)
    use(life, (6, "70"))
    look(life)
    use(life, (7, "5"))


def test_what_threshold_invoices_billed_counts_to_the_commitment(
    shop: Shop, tmp_path: Path
) -> None:
    life = begin(shop, "200")
    step_twice(life)

    pass_to(life, GRACE_OVER)

    [last, *_] = invoices_of(life)
    assert kinds(life)[:2] == [("threshold", "60"), ("threshold", "70")]
    # 135 were used of 200 that are committed.
    assert plain_text(last.total) == "70"
    require_sound(life)
    require_agreed(life, tmp_path)


def test_what_they_billed_counts_to_a_term_of_two_periods(shop: Shop, tmp_path: Path) -> None:
    life = begin(shop, "200", term_periods=2)
    step_twice(life)

    pass_to(life, MARCH)

    [january, february, *_] = invoices_of(life)
    assert (plain_text(january.total), plain_text(february.total)) == ("5", "65")
    require_sound(life)
    require_agreed(life, tmp_path)
