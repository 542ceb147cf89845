"""All that the owner of a subscription must know besides its row, in one statement.

An owner asks after every action, so this is read more often than anything else of a close.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from models.subscriptions import Subscription

OWNER_FACTS = text("""
SELECT plan.lookup_id, organization.late_usage,
    (SELECT invoice_number FROM invoice
     WHERE organization_id = :organization_id AND subscription_id = :subscription_id
        AND invoice_number IS NOT NULL
     ORDER BY period_index DESC LIMIT 1),
    (SELECT jsonb_agg(
        jsonb_build_array(index, ends_at, status, revision, parked_step, parked_reason)
        ORDER BY index)
     FROM subscription_period
     WHERE organization_id = :organization_id AND subscription_id = :subscription_id
        AND status IN ('open', 'closed', 'parked')),
    (SELECT jsonb_agg(
        jsonb_build_array(id, period_index, status, scheduled_finalize_at, due_date, past_due_at)
        ORDER BY period_index)
     FROM invoice
     WHERE organization_id = :organization_id AND subscription_id = :subscription_id
        AND status IN ('DRAFT', 'OPEN'))
FROM plan JOIN organization ON organization.id = plan.organization_id
WHERE plan.organization_id = :organization_id AND plan.id = :plan_id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedPeriod:
    """A period that is open, or whose bill has no draft yet."""

    index: int
    ends_at: datetime
    status: str
    revision: int
    parked_step: str | None
    parked_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingBill:
    """A draft or an open invoice, which still waits for something to happen."""

    id: str
    period_index: int | None
    status: str
    scheduled_finalize_at: datetime | None
    due_date: datetime
    past_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerFacts:
    """The subscription's plan, its organization's policy, its newest invoice, and what waits."""

    plan_code: str
    late_usage: str
    last_invoice: str | None
    periods: tuple[UnfinishedPeriod, ...]
    bills: tuple[WaitingBill, ...]


def get_owner_facts(session: Session, subscription: Subscription) -> OwnerFacts:
    """What is known of the subscription now, this transaction's own changes included."""
    session.flush()
    row = session.execute(
        OWNER_FACTS,
        {
            "organization_id": subscription.organization_id,
            "subscription_id": subscription.id,
            "plan_id": subscription.plan_id,
        },
    ).one()
    plan_code, late_usage, last_invoice, periods, bills = row
    return OwnerFacts(
        plan_code=plan_code,
        late_usage=late_usage,
        last_invoice=last_invoice,
        periods=tuple(_read_period(one) for one in periods or ()),
        bills=tuple(_read_bill(one) for one in bills or ()),
    )


def _read_period(row: Sequence[Any]) -> UnfinishedPeriod:
    index, ends_at, status, revision, parked_step, parked_reason = row
    return UnfinishedPeriod(
        index=index,
        ends_at=datetime.fromisoformat(ends_at),
        status=status,
        revision=revision,
        parked_step=parked_step,
        parked_reason=parked_reason,
    )


def _read_bill(row: Sequence[Any]) -> WaitingBill:
    identifier, period_index, status, scheduled_finalize_at, due_date, past_due_at = row
    return WaitingBill(
        id=identifier,
        period_index=period_index,
        status=status,
        scheduled_finalize_at=_instant(scheduled_finalize_at),
        due_date=datetime.fromisoformat(due_date),
        past_due_at=_instant(past_due_at),
    )


def _instant(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)
