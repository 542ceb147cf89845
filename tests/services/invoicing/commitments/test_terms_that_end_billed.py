"""Terms of commitments that end with a period which has its bill already.

*Source: CREDITS 22.*
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from billing.rating.terms import Effective, VersionPolicy
from repositories.transactions import Transactions
from services.catalog import commitments
from services.invoicing import payment_status
from services.lifecycle import changes, plan_changes
from tests.services.invoicing.bills import (
    ELEVENTH,
    FEBRUARY,
    bill_at,
    invoices_of,
    pass_to,
    use,
)
from tests.services.invoicing.commitments.committed import (
    MARCH,
    begin,
    commit,
    require_agreed,
    shown,
)
from tests.services.invoicing.threshold.stepped import billed
from tests.services.lives import begin_life
from tests.services.receipts_of import with_signer
from tests.services.shop import NOW, Shop, open_shop

TENTH_OF_FEBRUARY = datetime(2025, 2, 10, tzinfo=UTC)


@pytest.fixture
def shop(transactions: Transactions) -> Shop:
    """A new organization, in a process that signs receipts."""
    return with_signer(open_shop(transactions))


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
    life = begin(shop)
    use(life, (5, "5"))
    bill_at(life, ELEVENTH)
    [draft, *_] = invoices_of(life)
    shop.do(payment_status.finalize, draft.id)

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
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.execute(
            text("UPDATE organization SET late_usage = 'credit_note_or_invoice' WHERE id = :id"),
            {"id": shop.organization_id},
        )
    commitment_id = commit(life, "300", term_periods=3)
    use(life, (5, "50"))
    pass_to(life, TENTH_OF_FEBRUARY)

    end = partial(commitments.end_commitment, effective=Effective.RUNNING_PERIOD)
    shop.do(end, life.row().plan_id, commitment_id)
    pass_to(life, MARCH)

    assert shown(life)[:2] == [["50"], ["0"]]
    assert billed(life) == 100
    require_agreed(life, tmp_path)


def test_another_plan_at_the_instant_of_a_bill_settles_the_term(shop: Shop, tmp_path: Path) -> None:
    life = begin(shop)
    use(life, (5, "5"))
    bill_at(life, ELEVENTH)
    [draft, *_] = invoices_of(life)
    shop.do(payment_status.finalize, draft.id)
    other = shop.add_plan(lookup_id="other")
    shop.add_usage_charge(other, life.meter_id(), unit_price=Decimal(2))

    life.do(partial(plan_changes.change_plan, at_period_end=False), other.id, now=NOW)
    life.catch_up()
    pass_to(life, MARCH)

    assert shown(life)[:2] == [["5"], ["0", "+27.26"]]
    require_agreed(life, tmp_path)
