"""Cancel, reactivate, pause and resume: facts changed under the subscription's lock.

Each is idempotent and legal only where CONTRACT 4.4, 22 and 23 say so; the owner is told through
the outbox and finds its agenda changed.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import InvalidInput, InvalidTransition
from billing.subscriptions import SubscriptionStatus, require_transition
from models.base import new_id
from models.subscriptions import Subscription, SubscriptionPause
from repositories import subscriptions, usage
from services import clocks, meter_claims, owners, period_closing
from services.auditing import record
from services.subscriptions import lock_live


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

    Idempotent: a canceled subscription stays as it is, and one that is to end at its period's end
    can still be ended at once. Source: CONTRACT 4.5, 23.
    """
    subscription, present = lock_for_change(session, organization_id, subscription_id, now=now)
    if subscription.status == SubscriptionStatus.CANCELED:
        return subscription
    if at_period_end and subscription.cancel_at_period_end:
        return subscription
    subscription.canceled_at = subscription.canceled_at or present
    subscription.cancel_reason = reason or subscription.cancel_reason
    if at_period_end:
        subscription.cancel_at_period_end = True
        meter_claims.claim_onwards(session, subscription)
    else:
        _end_now(session, subscription, at=present, now=now)
    _save(session, subscription, "subscription.canceled", now=now)
    return subscription


def reactivate_subscription(
    session: Session, organization_id: UUID, subscription_id: UUID, *, now: datetime
) -> Subscription:
    """A cancellation that has not taken effect is taken back.

    Idempotent where none is planned. Raises InvalidTransition once the subscription is canceled,
    Conflict where another charges its meters after the end that was planned (CONTRACT 86).
    """
    subscription, _ = lock_for_change(session, organization_id, subscription_id, now=now)
    if subscription.status == SubscriptionStatus.CANCELED:
        raise InvalidTransition("A subscription that is CANCELED cannot be reactivated.")
    if subscription.cancel_at_period_end:
        subscription.cancel_at_period_end = False
        subscription.canceled_at = subscription.cancel_reason = None
        meter_claims.claim_onwards(session, subscription)
        _save(session, subscription, "subscription.reactivated", now=now)
    return subscription


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
    subscription, present = lock_for_change(session, organization_id, subscription_id, now=now)
    if resume_at is not None and resume_at <= present:
        raise InvalidInput(
            f"resume_at must be later than {present.isoformat()}.",
            code="resumes_in_the_past",
            field="resume_at",
        )
    if subscription.status != SubscriptionStatus.PAUSED:
        require_transition(SubscriptionStatus(subscription.status), SubscriptionStatus.PAUSED)
        # What is on its way was used before the pause; what comes after this finds it.
        usage.lock_arrivals(session, organization_id, subscription.customer_id)
        subscription.status = SubscriptionStatus.PAUSED
        session.add(
            SubscriptionPause(
                organization_id=organization_id,
                id=new_id(),
                subscription_id=subscription.id,
                starts_at=present,
            )
        )
        subscriptions.insert_action(session, subscription, "paused", at=present, recorded_at=now)
    elif subscription.resume_at == resume_at:
        return subscription
    subscription.resume_at = resume_at
    _save(session, subscription, "subscription.paused", now=now)
    return subscription


def resume_subscription(
    session: Session, organization_id: UUID, subscription_id: UUID, *, now: datetime
) -> Subscription:
    """Billing goes on. Idempotent where nothing is paused.

    Raises InvalidTransition once the subscription is canceled.
    """
    subscription, present = lock_for_change(session, organization_id, subscription_id, now=now)
    if subscription.status == SubscriptionStatus.CANCELED:
        raise InvalidTransition("A subscription that is CANCELED cannot be resumed.")
    if subscription.status == SubscriptionStatus.PAUSED:
        period_closing.end_pause(session, subscription, at=present, now=now)
        _save(session, subscription, "subscription.resumed", now=now)
    return subscription


def delete_subscription(
    session: Session, organization_id: UUID, subscription_id: UUID, *, now: datetime
) -> None:
    """The subscription is canceled at once, with its final bill, and hidden (CONTRACT 53)."""
    subscription = cancel_subscription(
        session, organization_id, subscription_id, at_period_end=False, now=now
    )
    subscription.deleted_at = now
    _save(session, subscription, "subscription.deleted", now=now)


def lock_for_change(
    session: Session, organization_id: UUID, subscription_id: UUID, *, now: datetime
) -> tuple[Subscription, datetime]:
    """The subscription under its lock, with everything of its life that was due, and its present.

    A trial or a pause that is over has ended, and every period that is over is closed. Raises
    NotFound, and Conflict while its clock advances (CONTRACT 73).
    """
    known = subscriptions.find_subscription(session, organization_id, subscription_id)
    if known is not None:
        # The clock first: advancing it locks it before its subscriptions.
        clocks.require_still(session, organization_id, known.test_clock_id)
    subscription = lock_live(session, organization_id, subscription_id)
    present = clocks.present_of(session, organization_id, subscription.test_clock_id, now=now)
    trial_end = subscription.trial_end_date
    if subscription.status == SubscriptionStatus.TRIAL and trial_end and trial_end <= present:
        period_closing.end_trial(
            session, organization_id, subscription_id, due_at=trial_end, now=now
        )
    resume_at = subscription.resume_at
    if resume_at is not None and resume_at <= present:
        period_closing.resume_due(
            session, organization_id, subscription_id, due_at=resume_at, now=now
        )
    period_closing.catch_up(session, subscription, to=present, now=now)
    return subscription, present


def _end_now(session: Session, subscription: Subscription, *, at: datetime, now: datetime) -> None:
    running = period_closing.find_open_period(session, subscription)
    if running is not None and running.index > 0:
        # Whoever read the time just before a period was closed ends the subscription with it.
        at = max(at, running.starts_at)
    if subscription.status == SubscriptionStatus.PAUSED:
        period_closing.end_pause(session, subscription, at=at, now=now)
    period_closing.cut_period(session, subscription, at=at, now=now)
    period_closing.end_subscription(session, subscription, at=at, now=now)


def _save(session: Session, subscription: Subscription, action: str, *, now: datetime) -> None:
    session.add(subscription)
    session.flush()
    record(session, subscription.organization_id, action, "subscription", subscription.id, now=now)
    owners.tell_owner(session, subscription, now=now)
