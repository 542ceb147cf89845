"""What happened to a subscription and what will happen, from PostgreSQL alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.kinds import EN_16931
from billing.subscriptions import NEXT_ENTRIES, Action, AgendaEntry
from billing.timeline import Happening
from models.audit_log import AuditEntry
from models.subscriptions.subscriptions import Subscription, SubscriptionAction
from repositories import audit_log as stored_audit_log
from repositories.subscriptions import actions as stored_actions
from services.subscriptions import agenda as agendas
from services.subscriptions.start import get_subscription

NAMES = {
    Action.END_TRIAL: Happening.TRIAL_ENDED,
    Action.RESUME: Happening.RESUMED,
    Action.CLOSE_PERIOD: Happening.PERIOD_CLOSED,
    Action.BILL_PERIOD: Happening.INVOICE_DRAFTED,
    Action.APPLY_CHANGE: Happening.CHANGE_APPLIED,
    Action.FINALIZE_INVOICE: Happening.INVOICE_FINALIZED,
    Action.PAYMENT_DUE: Happening.PAYMENT_DUE,
    Action.SETTLE_LATE_USAGE: Happening.LATE_USAGE_SETTLED,
    Action.RETURN_CREDIT: Happening.CREDIT_RETURNED,
    Action.GRANT_CREDIT: Happening.CREDIT_GRANTED,
}
"""What the timeline calls an action of the agenda."""

BY_HAND: Final = {
    Happening.BILL_RETRIED: "bill.retried",
    Happening.BILL_SKIPPED: "bill.skipped",
}
"""What people did about a parked bill, and what the audit log calls it, which knows who."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One action at one instant; ``actor`` is who did what is done by hand."""

    at: datetime
    action: str
    period_index: int | None = None
    invoice_id: UUID | None = None
    detail: str | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Past actions, oldest first, and coming ones, next first."""

    past: tuple[TimelineEntry, ...]
    upcoming: tuple[TimelineEntry, ...]


def read_timeline(session: Session, organization_id: UUID, subscription_id: UUID) -> Timeline:
    """The subscription's story with exact instants; also while the workflow engine is away."""
    subscription = get_subscription(session, organization_id, subscription_id)
    broken = stored_actions.list_broken_einvoices(session, organization_id, subscription_id)
    rows = stored_actions.list_actions(session, organization_id, subscription_id)
    by_hand = _recorded_of(session, organization_id, subscription_id, rows)
    past = tuple(
        TimelineEntry(
            at=row.at,
            action=row.action,
            period_index=row.period_index,
            invoice_id=row.invoice_id,
            detail=row.detail or _missing_of(row, broken) or _reason_of(row, by_hand),
            actor=_actor_of(row, by_hand),
        )
        for row in rows
    )
    agenda = agendas.read_state(session, subscription, payments=NEXT_ENTRIES).agenda
    upcoming = [entry for one in agenda for entry in _upcoming(subscription, one)]
    return Timeline(past=past, upcoming=tuple(upcoming))


Recorded = Mapping[tuple[str, datetime], AuditEntry]
"""Entries of the audit log, by what the timeline calls what was done and its instant."""


def _recorded_of(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    rows: Sequence[SubscriptionAction],
) -> Recorded:
    """Who did what of these was done by hand, and why: the audit log has the same instants."""
    return {
        (action, entry.at): entry
        for action, recorded_as in BY_HAND.items()
        if any(row.action == action for row in rows)
        for entry in stored_audit_log.list_of_object(
            session, organization_id, subscription_id, recorded_as
        )
    }


def _reason_of(row: SubscriptionAction, by_hand: Recorded) -> str | None:
    entry = by_hand.get((row.action, row.recorded_at))
    return None if entry is None or entry.after is None else entry.after.get("reason")


def _actor_of(row: SubscriptionAction, by_hand: Recorded) -> str | None:
    entry = by_hand.get((row.action, row.recorded_at))
    return None if entry is None else entry.actor


def _missing_of(
    row: SubscriptionAction, broken: Mapping[UUID, Sequence[Mapping[str, str]]]
) -> str | None:
    """The fields that an invoice lacked when it became final, each with its rule of EN 16931."""
    problems = None if row.invoice_id is None else broken.get(row.invoice_id)
    if row.action != Happening.INVOICE_FINALIZED or problems is None:
        return None
    fields = [
        f"{one['field']} ({one['rule']})" for one in problems if one["rule"].startswith(EN_16931)
    ]
    return f"The e-invoice breaks EN 16931: {', '.join(fields)}."


def _upcoming(subscription: Subscription, entry: AgendaEntry) -> Iterator[TimelineEntry]:
    yield TimelineEntry(
        at=entry.due_at,
        action=NAMES[entry.action],
        period_index=entry.period_index,
        invoice_id=UUID(entry.invoice_id) if entry.invoice_id else None,
    )
    if entry.action not in {Action.CLOSE_PERIOD, Action.END_TRIAL}:
        return
    if subscription.cancel_at_period_end:
        yield TimelineEntry(at=entry.due_at, action=Happening.CANCELED)
    elif subscription.next_plan_id is not None:
        yield TimelineEntry(
            at=entry.due_at, action=Happening.PLAN_CHANGED, detail=str(subscription.next_plan_id)
        )
