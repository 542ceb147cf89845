"""True-ups follow what documents say: void bills, late usage, notes, and drafts that people wrote.

*Source: CREDITS 22.*
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from billing.money import plain_text
from repositories.transactions import Transactions
from services.corrections import credit_notes
from services.corrections.credit_notes import CreditedLine
from services.invoicing import manual
from services.invoicing.manual import DraftEdit, ManualLine
from services.invoicing.threshold import amounts, bills
from services.lifecycle import changes, reissue
from tests.services.invoicing.bills import (
    ELEVENTH,
    FEBRUARY,
    GRACE_OVER,
    invoices_of,
    pass_to,
    use,
)
from tests.services.invoicing.commitments.committed import (
    APRIL,
    MARCH,
    begin,
    give_country,
    lines_of,
    require_agreed,
    shown,
    use_in,
    void,
)
from tests.services.receipts_of import with_signer
from tests.services.shop import NOW, Shop, open_shop


@pytest.fixture
def shop(transactions: Transactions) -> Shop:
    """A new organization, in a process that signs receipts."""
    return with_signer(open_shop(transactions))


def test_void_bill_counts_nothing_and_its_reissue_once(shop: Shop, tmp_path: Path) -> None:
    life = begin(shop, "300", term_periods=3)
    use(life, (5, "50"))
    pass_to(life, GRACE_OVER)
    [first, *_] = invoices_of(life)
    void(life, first)
    pass_to(life, datetime(2025, 2, 10, tzinfo=UTC))
    shop.do(reissue.reissue_invoice, first.id)

    pass_to(life, APRIL)

    assert shown(life)[2] == ["0", "+250"]
    require_agreed(life, tmp_path)


def test_void_bill_that_nobody_issues_again_is_missing(shop: Shop) -> None:
    life = begin(shop, "300", term_periods=3)
    use(life, (5, "50"))
    pass_to(life, GRACE_OVER)
    [first, *_] = invoices_of(life)
    void(life, first)

    pass_to(life, APRIL)

    # The void one is none of these: they are of February, March and April.
    assert shown(life)[:2] == [["0"], ["0", "+300"]]


def test_reissue_of_the_bill_that_settled_settles_once(shop: Shop, tmp_path: Path) -> None:
    life = begin(shop)
    use(life, (5, "60"))
    pass_to(life, GRACE_OVER)
    [first, *_] = invoices_of(life)

    void(life, first)
    shop.do(reissue.reissue_invoice, first.id)
    life.catch_up()
    pass_to(life, GRACE_OVER + timedelta(days=1))

    assert shown(life)[0] == ["60", "+40"]
    require_agreed(life, tmp_path)


def test_late_usage_lowers_the_true_up_and_never_below_zero(shop: Shop, tmp_path: Path) -> None:
    """Of 40 that were missing 10 and then 50 come late: 10 less, then the other 30."""
    life = begin(shop)
    use(life, (5, "60"))
    pass_to(life, GRACE_OVER)
    use_in(life, datetime(2025, 1, 6, tzinfo=UTC), "10", late=True)
    pass_to(life, MARCH)
    use_in(life, datetime(2025, 1, 7, tzinfo=UTC), "50", late=True)

    pass_to(life, APRIL)

    assert shown(life)[:3] == [
        ["60", "+40"],
        ["0", "10", "+-10", "+100"],
        ["0", "50", "+-30", "+100"],
    ]
    require_agreed(life, tmp_path)


def test_late_usage_of_a_term_that_runs_counts_for_it(shop: Shop, tmp_path: Path) -> None:
    life = begin(shop, "300", term_periods=3)
    use(life, (5, "50"))
    pass_to(life, GRACE_OVER)
    use_in(life, datetime(2025, 1, 6, tzinfo=UTC), "10", late=True)

    pass_to(life, APRIL)

    assert shown(life)[:3] == [["50"], ["0", "10"], ["0", "+240"]]
    require_agreed(life, tmp_path)


def test_usage_that_was_too_much_is_missing_of_the_commitment(shop: Shop, tmp_path: Path) -> None:
    life = begin(shop)
    use(life, (5, "120"))
    pass_to(life, GRACE_OVER)
    use_in(life, datetime(2025, 1, 6, tzinfo=UTC), "-50", late=True)

    pass_to(life, MARCH)

    assert shown(life)[:2] == [["120"], ["0", "-50", "+30", "+100"]]
    require_agreed(life, tmp_path)


def test_late_usage_after_the_last_bill_is_settled_by_an_invoice_of_its_own(
    shop: Shop, tmp_path: Path
) -> None:
    life = begin(shop)
    use(life, (5, "60"))
    pass_to(life, datetime(2025, 1, 20, tzinfo=UTC))
    life.do(changes.cancel_subscription, at_period_end=True, now=NOW)
    pass_to(life, GRACE_OVER)
    use_in(life, datetime(2025, 1, 6, tzinfo=UTC), "10", late=True)
    pass_to(life, MARCH)
    use_in(life, datetime(2025, 1, 7, tzinfo=UTC), "50", late=True)

    pass_to(life, APRIL)

    totals = [plain_text(one.total) for one in life.invoices()]
    assert shown(life) == [["60", "+40"]]
    assert sum(map(Decimal, totals)) == 120, totals
    require_agreed(life, tmp_path)


def test_what_people_gave_back_of_a_true_up_is_not_given_back_again(shop: Shop) -> None:
    life = begin(shop)
    use(life, (5, "60"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)
    [_, true_up] = lines_of(life, final)
    with shop.transactions.for_organization(shop.organization_id) as session:
        credit_notes.credit_invoice(
            session,
            shop.organization_id,
            final.id,
            [CreditedLine(line_id=true_up.id, amount=Decimal(35))],
            reason="Goodwill",
            at=NOW,
            now=NOW,
        )
    use_in(life, datetime(2025, 1, 6, tzinfo=UTC), "30", late=True)

    pass_to(life, MARCH)

    assert shown(life)[1] == ["0", "30", "+-5", "+100"]


def test_bill_that_people_rewrote_counts_as_what_was_measured(shop: Shop) -> None:
    life = begin(shop, "300", term_periods=3)
    use(life, (5, "50"))
    pass_to(life, FEBRUARY)
    [draft, *_] = invoices_of(life)
    written = ManualLine(description="Calls", quantity=Decimal(1), unit_amount=Decimal(45))
    give_country(life)
    shop.do(manual.edit_draft, draft.id, DraftEdit(lines=(written,)))

    pass_to(life, APRIL)

    assert shown(life)[2] == ["0", "+250"]


def test_invoices_of_a_period_that_runs_count_for_its_term_once(shop: Shop, tmp_path: Path) -> None:
    """40 were invoiced as the first month ran, 10 at its end, and 30 as the last one ran."""
    life = begin(shop, "300", term_periods=3)
    shop.do(amounts.set_threshold, life.subscription_id, Decimal(20))
    pass_to(life, ELEVENTH)
    use(life, (5, "40"))
    life.do(bills.bill_if_reached, now=NOW)
    use(life, (12, "10"))
    pass_to(life, datetime(2025, 3, 10, tzinfo=UTC))
    life.use(datetime(2025, 3, 5, tzinfo=UTC), 30)
    life.do(bills.bill_if_reached, now=NOW)

    pass_to(life, APRIL)

    assert shown(life)[:3] == [["50", "-40"], ["0"], ["30", "-30", "+220"]]
    assert sum(one.total for one in life.invoices()[:5]) == 300
    require_agreed(life, tmp_path)
