"""Commitments of periods that are billed as they run: all documents come to what one would have.

*Source: CREDITS 22, 24.*
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from billing.rating.lines import LineType
from repositories.transactions import Transactions
from services.invoicing import previews
from services.invoicing.threshold import amounts
from tests.services.invoicing.bills import FEBRUARY, pass_to, use
from tests.services.invoicing.commitments.committed import APRIL, MARCH, begin, require_agreed
from tests.services.invoicing.threshold.stepped import billed, look, require_sound
from tests.services.lives import Life
from tests.services.receipts_of import with_signer
from tests.services.seats import attach
from tests.services.shop import Shop, open_shop


@pytest.fixture
def shop(transactions: Transactions) -> Shop:
    """A new organization, in a process that signs receipts."""
    return with_signer(open_shop(transactions))


def threshold(life: Life, amount: str) -> None:
    life.shop.do(amounts.set_threshold, life.subscription_id, Decimal(amount))


def threshold_off(life: Life) -> None:
    life.shop.do(amounts.set_threshold, life.subscription_id, None)


@pytest.mark.parametrize(("used", "wanted"), [("60", "100"), ("130", "130")])
def test_what_was_billed_as_the_period_ran_counts_once(
    shop: Shop, tmp_path: Path, used: str, wanted: str
) -> None:
    life = begin(shop)
    threshold(life, "50")
    use(life, (5, used))
    assert look(life) is not None

    pass_to(life, FEBRUARY)

    assert billed(life) == Decimal(wanted)
    require_sound(life)
    require_agreed(life, tmp_path)


def test_a_term_of_periods_that_were_billed_as_they_ran_is_filled_up_once(
    shop: Shop, tmp_path: Path
) -> None:
    life = begin(shop, "300", term_periods=3)
    threshold(life, "50")
    use(life, (5, "70"))
    assert look(life) is not None

    pass_to(life, FEBRUARY)
    pass_to(life, MARCH)
    pass_to(life, APRIL)

    assert billed(life) == 300
    require_sound(life)
    require_agreed(life, tmp_path)


def test_a_draft_that_takes_off_what_was_billed_before_is_counted_as_it_stands(
    shop: Shop, tmp_path: Path
) -> None:
    life = begin(shop, "1000", term_periods=2)
    threshold(life, "50")
    use(life, (5, "60"))
    assert look(life) is not None
    use(life, (6, "90"))
    pass_to(life, FEBRUARY)
    life.use(datetime(2025, 2, 5, tzinfo=UTC), 100)
    threshold_off(life)

    preview = shop.read(previews.preview_invoice, life.subscription_id, at=None)

    [true_up] = [one for one in preview.totals.lines if one.line.type is LineType.TRUE_UP]
    assert true_up.line_total == 750
    pass_to(life, MARCH)
    assert billed(life) == 1000
    require_agreed(life, tmp_path)


def test_what_is_attached_beside_the_plan_fills_a_commitment_too(
    shop: Shop, tmp_path: Path
) -> None:
    life = begin(shop, "200", term_periods=2)
    attach(life, "1")
    use(life, (5, "60"))

    pass_to(life, FEBRUARY)
    pass_to(life, MARCH)

    assert billed(life) == 200
    require_agreed(life, tmp_path)
