"""Commitments that end while a document is written of the period that their terms end with.

*Source: CREDITS 22.*
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from billing.invoicing.kinds import LateUsage
from billing.rating.terms import ChargeType, Effective
from repositories.transactions import Transactions
from services.catalog import charges, commitments, versions
from services.catalog.charges import AddCharge
from services.invoicing import late_settlement, payment_status
from tests.services.invoicing.beside import beside
from tests.services.invoicing.bills import bill_at, invoices_of, mark_changed, pass_to, use
from tests.services.invoicing.commitments.committed import (
    MARCH,
    commit,
    require_agreed,
    settle_late_usage_by,
    use_in,
)
from tests.services.invoicing.threshold.stepped import billed
from tests.services.lives import Life, begin_life
from tests.services.receipts_of import with_signer
from tests.services.shop import NOW, Shop, open_shop

TENTH_OF_FEBRUARY = datetime(2025, 2, 10, tzinfo=UTC)
ELEVENTH_OF_FEBRUARY = datetime(2025, 2, 11, tzinfo=UTC)


@pytest.fixture
def shop(transactions: Transactions) -> Shop:
    """A new organization, in a process that signs receipts."""
    return with_signer(open_shop(transactions))


def end(life: Life, commitment_id: UUID) -> None:
    """The commitment is none any more for the running period."""
    end_now = partial(commitments.end_commitment, effective=Effective.RUNNING_PERIOD)
    life.shop.do(end_now, life.row().plan_id, commitment_id)


def settle_beside(life: Life, words: str, commitment_id: UUID) -> None:
    """Late usage is settled while the commitment ends, just before the marks are done with."""
    shop = life.shop
    with (
        shop.transactions.for_organization(shop.organization_id) as session,
        beside(session, words, partial(end, life, commitment_id)),
    ):
        late_settlement.settle_late_usage(
            session, shop.organization_id, life.subscription_id, due_at=TENTH_OF_FEBRUARY, now=NOW
        )


def test_a_commitment_that_ends_as_late_usage_is_settled_has_its_true_up(
    shop: Shop, tmp_path: Path
) -> None:
    """January's 50 and the late 20 are on bills; of 100 for it 30 are missing."""
    life = begin_life(shop)
    settle_late_usage_by(shop, LateUsage.CREDIT_NOTE_OR_INVOICE)
    commitment_id = commit(life, "300", term_periods=3)
    use(life, (5, "50"))
    pass_to(life, TENTH_OF_FEBRUARY)
    use(life, (6, "20"), late=True)
    mark_changed(life, datetime(2025, 1, 6, tzinfo=UTC))

    settle_beside(life, "DELETE FROM late_usage_mark", commitment_id)
    assert billed(life) == 70
    pass_to(life, MARCH)

    assert billed(life) == 100
    require_agreed(life, tmp_path)


def test_a_commitment_that_ends_as_a_draft_becomes_final_has_its_true_up(
    shop: Shop, tmp_path: Path
) -> None:
    """January has 100, and ten days of February 35.71; 50 and the late 20 are on bills."""
    life = begin_life(shop)
    let_drafts_wait(shop)
    commitment_id = commit(life, "300", term_periods=3)
    use(life, (5, "50"))
    bill_at(life, ELEVENTH_OF_FEBRUARY)
    [january, february] = invoices_of(life)
    shop.do(payment_status.finalize, february.id)
    use_in(life, TENTH_OF_FEBRUARY, "20")
    mark_changed(life, TENTH_OF_FEBRUARY)

    with (
        shop.transactions.for_organization(shop.organization_id) as session,
        beside(session, "DELETE FROM late_usage_mark", partial(end, life, commitment_id)),
    ):
        payment_status.finalize(session, shop.organization_id, january.id, now=NOW)
    assert billed(life) == 70
    pass_to(life, MARCH)

    assert billed(life) == Decimal("135.71")
    require_agreed(life, tmp_path)


def let_drafts_wait(shop: Shop) -> None:
    """Drafts are final when people say so."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.execute(text("UPDATE organization SET grace_period_minutes = 60 * 24 * 60"))


def test_a_commitment_that_ends_as_another_is_settled_has_its_true_up(
    shop: Shop, tmp_path: Path
) -> None:
    """January's 50 are on a bill: of 80 for calls 30 are missing, and 20 of 20 for seats."""
    life = begin_life(shop)
    settle_late_usage_by(shop, LateUsage.IGNORE)
    plan_id, meter_id = life.row().plan_id, shop.add_meter("seats").id
    a_dollar = AddCharge(type=ChargeType.USAGE, meter_id=meter_id, unit_price=Decimal(1))
    shop.do(charges.add_charge, plan_id, a_dollar)
    calls, seats = (one.charge_id for one in shop.read(versions.get_terms, plan_id, None).charges)
    first = commit(life, "240", term_periods=3, charge_ids=[calls])
    other = commit(life, "60", term_periods=3, charge_ids=[seats])
    use(life, (5, "50"))
    pass_to(life, TENTH_OF_FEBRUARY)
    end(life, first)

    settle_beside(life, "UPDATE late_usage_mark SET ends_term = false", other)
    assert billed(life) == 80
    pass_to(life, MARCH)

    assert billed(life) == 100
    require_agreed(life, tmp_path)
