"""Reminders, and what follows the last try that failed. Source: CONTRACT section 6 (Payments)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, Unavailable
from billing.payments.dunning import AfterRetries, CollectionAction, reminder_days_at
from billing.pending_changes import ChangeAction, PendingChange
from billing.subscriptions import SubscriptionStatus
from models.subscriptions.subscriptions import Subscription
from services.audit_log import record
from services.corrections import purchases
from services.dunning.schedule import DueEntry, lock_due
from services.lifecycle import changes
from services.notifications import mails
from services.payments import receivables

PAUSABLE = frozenset({SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE})


def send_reminder(
    session: Session, organization_id: UUID, invoice_id: UUID, *, due_at: datetime, now: datetime
) -> None:
    """The customer is reminded of what is due, once for all that was due by now.

    Idempotent by the invoice and the day.
    """
    due = lock_due(
        session, organization_id, invoice_id, CollectionAction.REMIND, due_at=due_at, now=now
    )
    if due is None:
        return
    day = reminder_days_at(due.stored.facts, due.at)
    assert day is not None
    due.collection.reminded_through = due.at
    session.add(due.collection)
    session.flush()
    mails.queue_reminder(session, due.invoice, day=day, now=now)


def end_collection(
    session: Session, organization_id: UUID, invoice_id: UUID, *, due_at: datetime, now: datetime
) -> None:
    """All tries have failed, and what the organization wants then has happened.

    Idempotent by the collection's ``exhausted_at``. Raises Unavailable where the subscription is
    busy with another change, to be tried again.
    """
    due = lock_due(
        session, organization_id, invoice_id, CollectionAction.END, due_at=due_at, now=now
    )
    if due is None:
        return
    then = due.stored.facts.dunning.then
    due.collection.exhausted_at, due.collection.end_action = due.at, then
    session.add(due.collection)
    session.flush()
    record(
        session,
        organization_id,
        "collection.exhausted",
        "invoice",
        invoice_id,
        after={"then": then.value},
        now=now,
    )
    match then:
        case AfterRetries.PAUSE if due.subscription is not None:
            _pause(session, due.subscription, due, now=now)
        case AfterRetries.CANCEL if due.subscription is not None:
            _cancel(session, due.subscription, due, now=now)
        case AfterRetries.UNCOLLECTIBLE:
            receivables.write_off(session, due.invoice, at=due.at, now=now)
            purchases.give_up(session, due.invoice, at=due.at, now=now)
            receivables.settle(session, due.invoice, "invoice.uncollectible", now=now)
        case _:
            return


def _pause(session: Session, subscription: Subscription, due: DueEntry, *, now: datetime) -> None:
    wanted = PendingChange(action=ChangeAction.PAUSE, at=due.at)
    if subscription.status in PAUSABLE and not _must_wait(session, subscription, wanted, now=now):
        changes.begin_pause(session, subscription, resume_at=None, at=due.at, now=now)


def _cancel(session: Session, subscription: Subscription, due: DueEntry, *, now: datetime) -> None:
    reason = f"Invoice {due.invoice.invoice_number} was not paid."
    wanted = PendingChange(
        action=ChangeAction.CANCEL, at=due.at, at_period_end=False, reason=reason
    )
    if not _must_wait(session, subscription, wanted, now=now):
        changes.end_subscription(
            session, subscription, at_period_end=False, reason=reason, at=due.at, now=now
        )


def _must_wait(
    session: Session, subscription: Subscription, wanted: PendingChange, *, now: datetime
) -> bool:
    try:
        return changes.must_wait(session, subscription, wanted, now=now)
    except Conflict as conflict:
        raise Unavailable(conflict.detail, code=conflict.code) from conflict
