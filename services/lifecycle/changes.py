"""Cancel, reactivate, pause and resume: facts changed under the subscription's lock.

Each is idempotent and legal only where CONTRACT 4.4, 22 and 23 say so; the workflow is woken
through the outbox and finds its agenda changed.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.date_limits import LONGEST_PLAN, require_between
from billing.errors import InvalidInput, InvalidTransition
from billing.pending_changes import ChangeAction, PendingChange
from billing.subscriptions import SubscriptionStatus, has_ended, require_transition
from billing.timeline import Happening
from models.base import new_id
from models.subscriptions.subscriptions import Subscription, SubscriptionPause
from repositories.subscriptions import actions as stored_actions
from repositories.subscriptions import subscriptions as stored_subscriptions
from repositories.usage.arrival_locks import lock_arrivals
from services.audit_log import record
from services.catalog import meter_claims
from services.lifecycle import catching_up
from services.subscriptions import agenda, clocks, periods
from services.subscriptions.start import lock_existing
from services.subscriptions.stored_changes import store_change


def cancel_subscription(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    *,
    at_period_end: bool = True,
    reason: str | None = None,
    now: datetime,
) -> Subscription:
    """The subscription ends: at its period's end, or at once with a final, prorated bill.

    The bill exists then; with too many missed periods before it the change is pending instead.
    Idempotent: a canceled subscription stays as it is, and one that is to end at its period's end
    can still be ended at once. Source: CONTRACT 4.5, 23, 89.
    """
    subscription, present = begin_change(session, organization_id, subscription_id, now=now)
    wanted = PendingChange(
        action=ChangeAction.CANCEL, at=present, at_period_end=at_period_end, reason=reason
    )
    if must_wait(session, subscription, wanted, now=now):
        return subscription
    end_subscription(
        session, subscription, at_period_end=at_period_end, reason=reason, at=present, now=now
    )
    catching_up.bill_closed(session, subscription, now=now)
    return subscription


def end_subscription(
    session: Session,
    subscription: Subscription,
    *,
    at_period_end: bool,
    reason: str | None,
    at: datetime,
    now: datetime,
) -> None:
    """As :func:`cancel_subscription`, as of ``at`` and under the lock; the last bill is due."""
    if has_ended(subscription.status):
        return
    if at_period_end and subscription.cancel_at_period_end:
        return
    subscription.canceled_at = subscription.canceled_at or at
    subscription.cancel_reason = reason or subscription.cancel_reason
    if at_period_end:
        subscription.cancel_at_period_end = True
        meter_claims.claim_onwards(session, subscription)
    else:
        _end_now(session, subscription, at=at, now=now)
    _save(session, subscription, "subscription.canceled", now=now)


def reactivate_subscription(
    session: Session, organization_id: UUID, subscription_id: UUID, *, now: datetime
) -> Subscription:
    """A cancellation that has not taken effect is taken back.

    Idempotent where none is planned. Raises InvalidTransition once the subscription is canceled,
    Conflict where another charges its meters after the end that was planned (CONTRACT 86).
    """
    subscription, present = begin_change(session, organization_id, subscription_id, now=now)
    wanted = PendingChange(action=ChangeAction.REACTIVATE, at=present)
    if not must_wait(session, subscription, wanted, now=now):
        take_cancellation_back(session, subscription, now=now)
    return subscription


def take_cancellation_back(session: Session, subscription: Subscription, *, now: datetime) -> None:
    """As :func:`reactivate_subscription`, under the lock."""
    if has_ended(subscription.status):
        raise InvalidTransition("A subscription that is CANCELED cannot be reactivated.")
    if subscription.cancel_at_period_end:
        subscription.cancel_at_period_end = False
        subscription.canceled_at = subscription.cancel_reason = None
        meter_claims.claim_onwards(session, subscription)
        _save(session, subscription, "subscription.reactivated", now=now)


def pause_subscription(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    *,
    resume_at: datetime | None = None,
    now: datetime,
) -> Subscription:
    """Billing rests: usage is recorded as paused and fixed charges lose the paused days.

    Idempotent; repeating it with another ``resume_at`` plans another end. Source: CONTRACT 22, 51.
    """
    subscription, present = begin_change(session, organization_id, subscription_id, now=now)
    _require_later(resume_at, present)
    wanted = PendingChange(action=ChangeAction.PAUSE, at=present, resume_at=resume_at)
    if not must_wait(session, subscription, wanted, now=now):
        begin_pause(session, subscription, resume_at=resume_at, at=present, now=now)
    return subscription


def begin_pause(
    session: Session,
    subscription: Subscription,
    *,
    resume_at: datetime | None,
    at: datetime,
    now: datetime,
) -> None:
    """As :func:`pause_subscription`, as of ``at`` and under the lock."""
    if subscription.status != SubscriptionStatus.PAUSED:
        require_transition(SubscriptionStatus(subscription.status), SubscriptionStatus.PAUSED)
        # What is on its way was used before the pause; what comes after this finds it.
        lock_arrivals(session, [(subscription.organization_id, subscription.customer_id)])
        subscription.status = SubscriptionStatus.PAUSED
        session.add(
            SubscriptionPause(
                organization_id=subscription.organization_id,
                id=new_id(),
                subscription_id=subscription.id,
                starts_at=at,
            )
        )
        stored_actions.insert_action(
            session, subscription, Happening.PAUSED, at=at, recorded_at=now
        )
    elif subscription.resume_at == resume_at:
        return
    subscription.resume_at = resume_at
    _save(session, subscription, "subscription.paused", now=now)


def resume_subscription(
    session: Session, organization_id: UUID, subscription_id: UUID, *, now: datetime
) -> Subscription:
    """Billing goes on. Idempotent where nothing is paused.

    Raises InvalidTransition once the subscription is canceled.
    """
    subscription, present = begin_change(session, organization_id, subscription_id, now=now)
    wanted = PendingChange(action=ChangeAction.RESUME, at=present)
    if not must_wait(session, subscription, wanted, now=now):
        resume_now(session, subscription, at=present, now=now)
    return subscription


def resume_now(
    session: Session, subscription: Subscription, *, at: datetime, now: datetime
) -> None:
    """As :func:`resume_subscription`, as of ``at`` and under the lock."""
    if has_ended(subscription.status):
        raise InvalidTransition("A subscription that is CANCELED cannot be resumed.")
    if subscription.status == SubscriptionStatus.PAUSED:
        periods.end_pause(session, subscription, at=at, now=now)
        _save(session, subscription, "subscription.resumed", now=now)


def delete_subscription(
    session: Session, organization_id: UUID, subscription_id: UUID, *, now: datetime
) -> Subscription:
    """The subscription is canceled at once, with its final bill, and hidden (CONTRACT 53).

    With too many missed periods before that, the deletion is pending.
    """
    subscription, present = begin_change(session, organization_id, subscription_id, now=now)
    wanted = PendingChange(action=ChangeAction.DELETE, at=present)
    if not must_wait(session, subscription, wanted, now=now):
        hide_subscription(session, subscription, at=present, now=now)
        catching_up.bill_closed(session, subscription, now=now)
    return subscription


def hide_subscription(
    session: Session, subscription: Subscription, *, at: datetime, now: datetime
) -> None:
    """As :func:`delete_subscription`, as of ``at`` and under the lock; the last bill is due."""
    end_subscription(session, subscription, at_period_end=False, reason=None, at=at, now=now)
    subscription.deleted_at = now
    _save(session, subscription, "subscription.deleted", now=now)


def begin_change(
    session: Session, organization_id: UUID, subscription_id: UUID, *, now: datetime
) -> tuple[Subscription, datetime]:
    """The subscription under its lock, and its present.

    Raises NotFound, and Conflict while its clock advances (CONTRACT 73).
    """
    known = stored_subscriptions.find_subscription(session, organization_id, subscription_id)
    if known is not None:
        # The clock first: advancing it locks it before its subscriptions.
        clocks.require_still(session, organization_id, known.test_clock_id)
    subscription = lock_existing(session, organization_id, subscription_id)
    present = clocks.present_of(session, organization_id, subscription.test_clock_id, now=now)
    return subscription, present


def must_wait(
    session: Session, subscription: Subscription, wanted: PendingChange, *, now: datetime
) -> bool:
    """Whether the change is pending; if not, all that was due before it has happened.

    It is where more periods are missed than one request closes, or where another change waits.
    Raises Conflict if that one contradicts.
    """
    if subscription.pending_change is None:
        missed = catching_up.count_missed(session, subscription, to=wanted.at)
        if missed <= catching_up.AT_ONCE:
            catching_up.catch_up(session, subscription, to=wanted.at, now=now)
            if catching_up.has_caught_up(session, subscription, to=wanted.at):
                return False
    if store_change(session, subscription, wanted):
        _save(session, subscription, f"subscription.{wanted.action}_pending", now=now)
    return True


def lock_for_change(
    session: Session, organization_id: UUID, subscription_id: UUID, *, now: datetime
) -> tuple[Subscription, datetime]:
    """The subscription under its lock, with everything of its life that was due, and its present.

    Raises NotFound, Conflict while its clock advances (CONTRACT 73), and Conflict ``catching_up``
    while it has more missed periods than one request closes.
    """
    subscription, present = begin_change(session, organization_id, subscription_id, now=now)
    catching_up.catch_up_partly(session, subscription, to=present, now=now)
    if not catching_up.has_caught_up(session, subscription, to=present):
        raise catching_up.still_catching_up(subscription, catching_up.AT_ONCE)
    return subscription, present


def _require_later(resume_at: datetime | None, present: datetime) -> None:
    if resume_at is not None and resume_at <= present:
        raise InvalidInput(
            f"resume_at must be later than {present.isoformat()}.",
            code="resumes_in_the_past",
            field="resume_at",
        )
    if resume_at is not None:
        require_between(resume_at, present, present + LONGEST_PLAN, field="resume_at")


def _end_now(session: Session, subscription: Subscription, *, at: datetime, now: datetime) -> None:
    running = periods.find_open_period(session, subscription)
    if running is not None and running.index > 0:
        # Whoever read the time just before a period was closed ends the subscription with it.
        at = max(at, running.starts_at)
    if subscription.status == SubscriptionStatus.PAUSED:
        periods.end_pause(session, subscription, at=at, now=now)
    periods.cut_period(session, subscription, at=at, now=now)
    periods.end_subscription(session, subscription, at=at, now=now)


def _save(session: Session, subscription: Subscription, action: str, *, now: datetime) -> None:
    session.add(subscription)
    session.flush()
    record(session, subscription.organization_id, action, "subscription", subscription.id, now=now)
    agenda.wake_workflow(session, subscription, now=now)
