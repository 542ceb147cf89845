"""Whether a difference settles alone is said once: the agenda and the coverage check agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import Session

from billing.invoicing.kinds import LateUsage
from billing.subscriptions import Action, PeriodStatus, SubscriptionStatus, has_ended
from models.base import new_id
from models.invoicing.invoices import Invoice
from models.invoicing.late_usage import LateUsageMark
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.invoicing import late_usage
from repositories.invoicing.late_policy import MAY_SETTLE_ALONE, SETTLES_ALONE
from repositories.transactions import Transactions
from services.subscriptions import agenda
from services.subscriptions.late_policy import settles_alone
from tests.services.lives import Life, begin_life
from tests.services.shop import NOW, open_shop

UNFINISHED = {PeriodStatus.OPEN, PeriodStatus.CLOSED, PeriodStatus.PARKED}
JANUARY, FEBRUARY, MARCH = (datetime(2025, month, 1, tzinfo=UTC) for month in (1, 2, 3))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A subscription with a marked period, one after it, and a draft."""

    status: SubscriptionStatus
    marked: PeriodStatus
    following: PeriodStatus
    draft: str | None
    is_edited: bool
    is_held: bool
    is_void: bool
    ends_term: bool = False


cases = st.builds(
    Case,
    status=st.sampled_from([SubscriptionStatus.ACTIVE, *[SubscriptionStatus.CANCELED] * 3]),
    marked=st.sampled_from([PeriodStatus.FINAL, PeriodStatus.VOID, PeriodStatus.UNBILLED]),
    following=st.sampled_from(PeriodStatus),
    draft=st.sampled_from([None, "period", "late_usage", "manual"]),
    is_edited=st.booleans(),
    is_held=st.booleans(),
    is_void=st.booleans(),
    ends_term=st.booleans(),
)


@pytest.fixture(scope="module")
def life(transactions: Transactions) -> Life:
    """A subscription that others are made after."""
    return begin_life(open_shop(transactions))


@pytest.fixture
def session(life: Life) -> Iterator[Session]:
    """A transaction that nothing is kept of."""
    with life.shop.transactions.for_organization(life.shop.organization_id) as session:
        yield session
        session.rollback()


@settings(max_examples=40, deadline=None)
@given(policy=st.sampled_from(LateUsage), given_cases=st.lists(cases, min_size=4, max_size=12))
def test_statements_workflows_and_python_agree_on_random_rows(
    life: Life, policy: str, given_cases: list[Case]
) -> None:
    with life.shop.transactions.for_organization(life.shop.organization_id) as session:
        session.execute(
            text("UPDATE organization SET late_usage = :policy WHERE id = :id"),
            {"policy": policy, "id": life.shop.organization_id},
        )
        rows = [_plant(session, life.row(), case) for case in given_cases]
        agendas = [agenda.read_state(session, row).agenda for row in rows]
        due = late_usage.list_due_before(session, life.shop.organization_id, NOW)
        said = {
            id: (alone, may)
            for id, alone, may in session.execute(ASK, _ids(row.id for row in rows))
        }
        session.rollback()

    assert {one for one, _ in due} == {
        row.id
        for row, agenda in zip(rows, agendas, strict=True)
        if any(entry.action is Action.SETTLE_LATE_USAGE for entry in agenda)
    }
    for row, case in zip(rows, given_cases, strict=True):
        possible = [
            settles_alone(row, policy, has_unfinished_periods=any_left)
            for any_left in (True, False)
        ]
        assert said[row.id] == (possible[case.following not in UNFINISHED], any(possible))


@pytest.mark.parametrize(
    ("policy", "status", "following", "ends_term", "is_due"),
    [
        ("credit_note_or_invoice", "ACTIVE", "open", False, True),
        ("next_invoice", "ACTIVE", "open", False, False),
        ("next_invoice", "CANCELED", "closed", False, False),
        ("next_invoice", "CANCELED", "final", False, True),
        ("ignore", "CANCELED", "final", False, False),
        ("ignore", "ACTIVE", "open", True, False),
        ("ignore", "CANCELED", "closed", True, False),
        ("ignore", "CANCELED", "final", True, True),
    ],
)
def test_a_difference_is_due_where_no_invoice_will_say_it(
    life: Life,
    session: Session,
    policy: str,
    status: str,
    following: str,
    *,
    ends_term: bool,
    is_due: bool,
) -> None:
    session.execute(text("UPDATE organization SET late_usage = :policy"), {"policy": policy})
    case = Case(
        status=SubscriptionStatus(status),
        marked=PeriodStatus.FINAL,
        following=PeriodStatus(following),
        draft=None,
        is_edited=False,
        is_held=False,
        is_void=False,
        ends_term=ends_term,
    )
    row = _plant(session, life.row(), case)

    due = late_usage.list_due_before(session, life.shop.organization_id, NOW)

    assert due == ([(row.id, 0)] if is_due else [])


ASK = text(f"""
SELECT subscription.id, {SETTLES_ALONE}, {MAY_SETTLE_ALONE}
FROM subscription JOIN organization ON organization.id = subscription.organization_id
WHERE subscription.id = ANY (:ids)""")


def _ids(found: Iterator[UUID]) -> dict[str, list[UUID]]:
    return {"ids": list(found)}


def _plant(session: Session, like: Subscription, case: Case) -> Subscription:
    ended_at = NOW if has_ended(case.status) else None
    values = like.model_dump() | {"id": new_id(), "status": case.status, "ended_at": ended_at}
    row = Subscription(**(values | {"test_clock_id": None}))
    session.add(row)
    session.flush()
    for index, status, starts_at, ends_at in (
        (0, case.marked, JANUARY, FEBRUARY),
        (1, case.following, FEBRUARY, MARCH),
    ):
        session.add(
            SubscriptionPeriod(
                organization_id=row.organization_id,
                subscription_id=row.id,
                index=index,
                ordinal=index,
                anchor_at=JANUARY,
                starts_at=starts_at,
                ends_at=ends_at,
                plan_id=row.plan_id,
                plan_version=1,
                status=status,
                parked_step="price_usage" if status is PeriodStatus.PARKED else None,
            )
        )
    draft_id = _plant_draft(session, row, case)
    session.flush()
    session.add(
        LateUsageMark(
            organization_id=row.organization_id,
            subscription_id=row.id,
            period_index=0,
            marked_at=NOW - timedelta(hours=1),
            draft_id=draft_id if case.is_held else None,
            ends_term=case.ends_term,
        )
    )
    session.flush()
    return row


def _plant_draft(session: Session, row: Subscription, case: Case) -> UUID | None:
    if case.draft is None:
        return None
    amounts: dict[str, Any] = dict.fromkeys(
        ("subtotal", "tax", "total", "amount_due", "amount_paid"), Decimal(0)
    )
    draft = Invoice(
        organization_id=row.organization_id,
        id=new_id(),
        customer_id=row.customer_id,
        subscription_id=row.id,
        period_index=2,
        kind=case.draft,
        is_edited=case.is_edited,
        status="VOID" if case.is_void else "DRAFT",
        invoice_number=str(new_id()) if case.is_void else None,
        currency="USD",
        tax_status="not_collecting",
        timezone="UTC",
        issue_date=NOW,
        due_date=NOW,
        created_at=NOW,
        **amounts,
    )
    session.add(draft)
    return draft.id
