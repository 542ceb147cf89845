"""Bills settle terms of commitments by what documents say of them: coupons, parts, plans, proof.

*Source: CREDITS 22.*
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from billing.money import plain_text
from repositories.transactions import Transactions
from services.catalog import commitments
from services.catalog.commitments import AddCommitment
from services.credits import grants
from services.credits.grants import NewGrant
from services.documents.assembly import read_invoice
from services.documents.text import render_text
from services.invoicing import previews
from services.lifecycle import changes, plan_changes
from tests.money.strangers import run, write_files
from tests.services.invoicing.bills import (
    ELEVENTH,
    FEBRUARY,
    GRACE_OVER,
    bill_at,
    invoices_of,
    pass_to,
    use,
)
from tests.services.invoicing.commitments.committed import (
    APRIL,
    MARCH,
    begin,
    commit,
    require_agreed,
    shown,
)
from tests.services.invoicing.coupons import redeem
from tests.services.invoicing.prepaid.test_strangers import Document, change
from tests.services.lives import begin_life
from tests.services.receipts_of import receipts_of, with_signer
from tests.services.shop import NOW, Shop, open_shop


@pytest.fixture
def shop(transactions: Transactions) -> Shop:
    """A new organization, in a process that signs receipts."""
    return with_signer(open_shop(transactions))


def test_bill_fills_up_to_the_commitment(shop: Shop, tmp_path: Path) -> None:
    life = begin(shop)
    use(life, (5, "60"))

    preview = shop.read(previews.preview_invoice, life.subscription_id, at=None)
    pass_to(life, FEBRUARY)
    [draft, *_] = shown(life)
    pass_to(life, GRACE_OVER)

    assert [plain_text(one.line_total) for one in preview.totals.lines] == ["60", "40"]
    assert draft == shown(life)[0] == ["60", "+40"]
    [final, *_] = invoices_of(life)
    assert (final.total, final.has_true_ups) == (100, True)
    require_agreed(life, tmp_path)


def test_text_says_how_the_true_up_came_about(shop: Shop) -> None:
    life = begin(shop, "12000")
    use(life, (5, "9000"))
    pass_to(life, GRACE_OVER)
    [final, *_] = invoices_of(life)

    text = render_text(shop.read(read_invoice, final.id))

    assert "Commitment true-up" in text
    assert "$12,000.00 committed − $9,000.00 billed" in text


def test_what_is_beyond_the_commitment_costs_its_factor(shop: Shop, tmp_path: Path) -> None:
    life = begin(shop, overage_factor=Decimal("1.5"))
    use(life, (5, "140"))

    pass_to(life, GRACE_OVER)

    assert shown(life)[0] == ["140", "+20"]
    require_agreed(life, tmp_path)


def test_coupon_comes_off_before_the_commitment_is_asked(shop: Shop, tmp_path: Path) -> None:
    """60 less 25 % are 45: 55 are missing, and no coupon comes off these."""
    life = begin(shop)
    redeem(life, percent=Decimal(25))
    use(life, (5, "60"))

    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert shown(life)[0] == ["60", "+55"]
    assert (final.subtotal, final.coupons_total, final.total) == (115, 15, 100)
    require_agreed(life, tmp_path)


# The draft's draws are written again in place of those that the session has read.
@pytest.mark.filterwarnings("error::sqlalchemy.exc.SAWarning")
def test_credit_pays_of_the_true_up_as_of_any_line(shop: Shop, tmp_path: Path) -> None:
    life = begin(shop)
    begins = datetime(2025, 1, 1, tzinfo=UTC)
    free = NewGrant(unit="USD", amount=Decimal(70), effective_at=begins)
    shop.do(grants.grant_free, life.row().customer_id, free)
    use(life, (5, "60"))

    pass_to(life, GRACE_OVER)

    [final, *_] = invoices_of(life)
    assert (final.credits_before_tax, final.total) == (70, 30)
    require_agreed(life, tmp_path)


def test_canceled_period_owes_its_share_of_the_commitment(shop: Shop, tmp_path: Path) -> None:
    """10 of 31 days of 100 are 32.26, of which 5 were used."""
    life = begin(shop)
    use(life, (5, "5"))
    pass_to(life, ELEVENTH)

    life.do(changes.cancel_subscription, at_period_end=False, now=NOW)
    life.catch_up()

    assert shown(life) == [["5", "+27.26"]]
    require_agreed(life, tmp_path)


def test_another_plan_ends_the_term_and_the_preview_says_so(shop: Shop, tmp_path: Path) -> None:
    life, other = begin(shop), shop.add_plan("other")
    use(life, (5, "5"))
    pass_to(life, ELEVENTH)

    preview = life.do(plan_changes.preview_change, other.id, at_period_end=False, now=NOW)
    life.do(plan_changes.change_plan, other.id, at_period_end=False, now=NOW)
    life.catch_up()

    assert preview is not None
    assert [plain_text(one.line_total) for one in preview.lines] == ["5", "27.26"]
    assert shown(life)[0] == ["5", "+27.26"]
    require_agreed(life, tmp_path)


def test_parts_of_a_period_are_settled_together_by_the_last_one(shop: Shop, tmp_path: Path) -> None:
    life = begin(shop)
    use(life, (5, "80"), (25, "5"))

    bill_at(life, ELEVENTH)
    pass_to(life, GRACE_OVER)

    assert shown(life)[:2] == [["80"], ["5", "+15"]]
    require_agreed(life, tmp_path)


def test_term_of_three_months_is_settled_by_the_third(shop: Shop, tmp_path: Path) -> None:
    life = begin(shop, "300", term_periods=3)
    use(life, (5, "50"))
    life.use(datetime(2025, 2, 5, tzinfo=UTC), 10)
    life.use(datetime(2025, 3, 5, tzinfo=UTC), 20)

    pass_to(life, APRIL)

    assert shown(life)[:3] == [["50"], ["10"], ["20", "+220"]]
    require_agreed(life, tmp_path)


def test_ended_commitment_ends_its_term_with_the_running_period(shop: Shop, tmp_path: Path) -> None:
    """Two of three months of 300: 200, of which 50 were used."""
    life = begin_life(shop)
    commitment_id = commit(life, "300", term_periods=3)
    use(life, (5, "50"))
    pass_to(life, datetime(2025, 2, 10, tzinfo=UTC))

    shop.do(commitments.end_commitment, life.row().plan_id, commitment_id)
    pass_to(life, APRIL)

    assert shown(life)[:3] == [["50"], ["0", "+150"], ["0"]]
    require_agreed(life, tmp_path)


def test_commitment_spares_the_running_period(shop: Shop) -> None:
    life = begin_life(shop)
    use(life, (5, "60"))
    pass_to(life, ELEVENTH)
    command = AddCommitment(amount=Decimal(100))

    shop.do(commitments.add_commitment, life.row().plan_id, command)
    pass_to(life, MARCH)

    assert shown(life)[:2] == [["60"], ["0", "+100"]]


@pytest.mark.parametrize("edit", ["owed", "terms"])
def test_stranger_names_a_true_up_that_does_not_come_out(
    shop: Shop, tmp_path: Path, edit: str
) -> None:
    life = begin(shop)
    use(life, (5, "60"))
    pass_to(life, GRACE_OVER)
    [receipt, *_] = receipts_of(shop)
    arguments = write_files(shop, receipt, tmp_path)

    def forge(document: Document) -> None:
        if edit == "owed":
            document["true_ups"][0]["periods"][0]["billed"] = "10"
        else:
            document["true_ups"][0]["commitment"]["amount"] = "200"

    change(arguments, forge, signed=False)
    assert run(arguments) == (1, "different: true_ups\n")
