"""Terms of commitments that end with a period which has its bill already.

*Source: CREDITS 22.*
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest

from billing.invoicing.invoices import InvoiceStatus
from billing.invoicing.kinds import InvoiceKind, LateUsage
from billing.rating.terms import Effective, VersionPolicy
from models.invoicing.invoices import Invoice
from repositories.transactions import Transactions
from runtime.database.migrations import downgrade, upgrade
from services.catalog import commitments
from services.invoicing import payment_status
from services.lifecycle import changes, plan_changes, reissue
from tests.servers import migration_url
from tests.services.invoicing.bills import (
    ELEVENTH,
    FEBRUARY,
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
    settle_late_usage_by,
    shown,
    void,
)
from tests.services.invoicing.threshold.stepped import billed
from tests.services.lives import Life, begin_life
from tests.services.receipts_of import with_signer
from tests.services.shop import NOW, Shop, open_shop

MAY = datetime(2025, 5, 1, 2, tzinfo=UTC)
BEFORE_MARKS_SAID_SO = "0066"
TENTH_OF_FEBRUARY = datetime(2025, 2, 10, tzinfo=UTC)


@pytest.fixture
def shop(transactions: Transactions) -> Shop:
    """A new organization, in a process that signs receipts."""
    return with_signer(open_shop(transactions))


def bill_until_the_eleventh(shop: Shop, policy: LateUsage) -> Life:
    """A life of 100 a month, whose 5 until 11 January are on a final bill by then."""
    life = begin(shop)
    settle_late_usage_by(shop, policy)
    use(life, (5, "5"))
    bill_at(life, ELEVENTH)
    [draft, *_] = invoices_of(life)
    shop.do(payment_status.finalize, draft.id)
    return life


def say_a_true_up_of_january(life: Life) -> Invoice:
    """January's bill of 50 is final as its term of 100 ends: another document says the rest."""
    commitment_id = commit(life, "300", term_periods=3)
    use(life, (5, "50"))
    pass_to(life, TENTH_OF_FEBRUARY)
    end = partial(commitments.end_commitment, effective=Effective.RUNNING_PERIOD)
    life.shop.do(end, life.row().plan_id, commitment_id)
    pass_to(life, MARCH)
    alone = [one for one in life.invoices() if one.kind == InvoiceKind.LATE_USAGE]
    return alone[0] if alone else invoices_of(life)[1]


def test_a_commitment_that_ended_for_the_running_period_is_settled_by_its_bill(
    shop: Shop, tmp_path: Path
) -> None:
    """Of 300 for three months, January alone is left: 100, of which 50 were used."""
    life = begin_life(shop)
    commitment_id = commit(life, "300", term_periods=3)
    use(life, (5, "50"))
    pass_to(life, TENTH_OF_FEBRUARY)

    end = partial(commitments.end_commitment, effective=Effective.RUNNING_PERIOD)
    shop.do(end, life.row().plan_id, commitment_id)
    pass_to(life, MARCH)

    assert shown(life)[:2] == [["50"], ["0", "+50"]]
    require_agreed(life, tmp_path)


def test_an_end_at_the_instant_of_a_bill_settles_the_term(shop: Shop, tmp_path: Path) -> None:
    """5 were used by 11 January: of 100 a month 27.26 are missing."""
    life = bill_until_the_eleventh(shop, LateUsage.NEXT_INVOICE)

    life.do(partial(changes.cancel_subscription, at_period_end=False), now=NOW)
    life.catch_up()
    pass_to(life, MARCH)

    assert billed(life) == Decimal("32.26")
    require_agreed(life, tmp_path)


def test_a_draft_settles_the_term_that_ended_with_it_once(shop: Shop, tmp_path: Path) -> None:
    life = begin_life(shop)
    commitment_id = commit(life, "300", term_periods=3)
    use(life, (5, "50"))
    pass_to(life, FEBRUARY)

    end = partial(commitments.end_commitment, effective=Effective.RUNNING_PERIOD)
    shop.do(end, life.row().plan_id, commitment_id)
    pass_to(life, MARCH)

    assert shown(life)[:2] == [["50", "+50"], ["0"]]
    require_agreed(life, tmp_path)


def test_a_pinned_subscription_that_moves_settles_the_term_that_ends_so(
    shop: Shop, tmp_path: Path
) -> None:
    life = begin_life(shop, version_policy=VersionPolicy.PINNED)
    commitment_id = commit(life, "300", term_periods=3)
    plan_id = life.row().plan_id
    shop.migrate(plan_id, effective=Effective.RUNNING_PERIOD)
    use(life, (5, "50"))
    pass_to(life, TENTH_OF_FEBRUARY)

    shop.do(commitments.end_commitment, plan_id, commitment_id)
    shop.migrate(plan_id, effective=Effective.RUNNING_PERIOD)
    pass_to(life, MARCH)

    assert shown(life)[:2] == [["50"], ["0", "+50"]]
    require_agreed(life, tmp_path)


def test_where_corrections_are_invoices_the_true_up_is_one(shop: Shop, tmp_path: Path) -> None:
    life = begin_life(shop)
    settle_late_usage_by(shop, LateUsage.CREDIT_NOTE_OR_INVOICE)
    commitment_id = commit(life, "300", term_periods=3)
    use(life, (5, "50"))
    pass_to(life, TENTH_OF_FEBRUARY)

    end = partial(commitments.end_commitment, effective=Effective.RUNNING_PERIOD)
    shop.do(end, life.row().plan_id, commitment_id)
    pass_to(life, MARCH)

    assert shown(life)[:2] == [["50"], ["0"]]
    assert billed(life) == 100
    require_agreed(life, tmp_path)


@pytest.mark.parametrize("policy", [LateUsage.NEXT_INVOICE, LateUsage.IGNORE])
def test_another_plan_at_the_instant_of_a_bill_settles_the_term(
    shop: Shop, tmp_path: Path, policy: LateUsage
) -> None:
    life = bill_until_the_eleventh(shop, policy)
    other = shop.add_plan(lookup_id="other")
    shop.add_usage_charge(other, life.meter_id(), unit_price=Decimal(2))

    life.do(partial(plan_changes.change_plan, at_period_end=False), other.id, now=NOW)
    life.catch_up()
    pass_to(life, MARCH)

    assert shown(life)[:2] == [["5"], ["0", "+27.26"]]
    require_agreed(life, tmp_path)


def test_where_late_usage_is_ignored_the_next_bill_says_the_true_up(
    shop: Shop, tmp_path: Path
) -> None:
    """January's 50 of 100 are owed; 20 that came late are not, as long as they are ignored."""
    life = begin_life(shop)
    settle_late_usage_by(shop, LateUsage.IGNORE)
    commitment_id = commit(life, "300", term_periods=3)
    use(life, (5, "50"))
    pass_to(life, TENTH_OF_FEBRUARY)
    use(life, (6, "20"), late=True)

    end = partial(commitments.end_commitment, effective=Effective.RUNNING_PERIOD)
    shop.do(end, life.row().plan_id, commitment_id)
    pass_to(life, MARCH)

    assert shown(life)[:2] == [["50"], ["0", "+50"]]
    require_agreed(life, tmp_path)

    pass_to(life, APRIL)
    assert billed(life) == 100

    settle_late_usage_by(shop, LateUsage.NEXT_INVOICE)
    pass_to(life, MAY)
    assert shown(life)[3] == ["0", "20", "+-20"]
    require_agreed(life, tmp_path)


def test_where_late_usage_is_ignored_the_end_at_the_instant_of_a_bill_settles_the_term(
    shop: Shop, tmp_path: Path
) -> None:
    """No bill follows, so the true-up is an invoice of its own, once."""
    life = bill_until_the_eleventh(shop, LateUsage.IGNORE)

    life.do(partial(changes.cancel_subscription, at_period_end=False), now=NOW)
    life.catch_up()
    pass_to(life, MARCH)
    pass_to(life, APRIL)

    assert [one.total for one in life.invoices()] == [5, Decimal("27.26")]
    require_agreed(life, tmp_path)


def test_a_term_that_ended_before_marks_could_say_so_is_settled_once_migrated(
    shop: Shop, tmp_path: Path, module_database_url: str
) -> None:
    life = begin_life(shop)
    settle_late_usage_by(shop, LateUsage.IGNORE)
    commitment_id = commit(life, "300", term_periods=3)
    use(life, (5, "50"))
    pass_to(life, TENTH_OF_FEBRUARY)
    end = partial(commitments.end_commitment, effective=Effective.RUNNING_PERIOD)
    shop.do(end, life.row().plan_id, commitment_id)

    url = migration_url(module_database_url)
    downgrade(url, BEFORE_MARKS_SAID_SO)
    upgrade(url)
    pass_to(life, MARCH)

    assert shown(life)[:2] == [["50"], ["0", "+50"]]
    require_agreed(life, tmp_path)


@pytest.mark.parametrize("is_issued_again", [True, False])
@pytest.mark.parametrize("policy", list(LateUsage))
def test_what_a_void_document_said_of_a_term_is_said_again(
    shop: Shop, tmp_path: Path, policy: LateUsage, *, is_issued_again: bool
) -> None:
    life = begin_life(shop)
    settle_late_usage_by(shop, policy)
    saying = say_a_true_up_of_january(life)
    assert billed(life) == 100

    void(life, saying)
    assert billed(life) == 50
    if is_issued_again and saying.kind == InvoiceKind.PERIOD:
        shop.do(reissue.reissue_invoice, saying.id)
    pass_to(life, APRIL)
    pass_to(life, MAY)

    assert billed(life) == 100
    require_agreed(life, tmp_path)


@pytest.mark.parametrize("policy", list(LateUsage))
def test_what_a_void_document_said_of_a_term_may_be_forgiven(
    shop: Shop, tmp_path: Path, policy: LateUsage
) -> None:
    life = begin_life(shop)
    settle_late_usage_by(shop, policy)
    saying = say_a_true_up_of_january(life)

    forgive = partial(payment_status.change_status, note=None, settles_again=False)
    shop.do(forgive, saying.id, InvoiceStatus.VOID)
    pass_to(life, APRIL)
    pass_to(life, MAY)

    assert billed(life) == 50
    require_agreed(life, tmp_path)


@pytest.mark.parametrize("policy", [LateUsage.NEXT_INVOICE, LateUsage.IGNORE])
def test_of_a_term_whose_last_bill_is_void_no_document_says_anything(
    shop: Shop, tmp_path: Path, policy: LateUsage
) -> None:
    life = begin_life(shop)
    settle_late_usage_by(shop, policy)
    say_a_true_up_of_january(life)
    assert billed(life) == 100

    void(life, invoices_of(life)[0])
    pass_to(life, APRIL)

    assert billed(life) == 0
    require_agreed(life, tmp_path)
