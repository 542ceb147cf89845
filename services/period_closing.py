"""What a subscription does when an instant of its life has come: the steps before its bill."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import InvariantBroken, NotFound
from billing.subscriptions import PeriodStatus, SubscriptionStatus, require_transition
from models.subscriptions import Subscription, SubscriptionPeriod
from repositories import invoices, subscriptions
from services import clocks
from services.subscriptions import open_first_period, open_period


def roll_period(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    period_index: int,
    *,
    due_at: datetime,
    now: datetime,
) -> None:
    """The period is closed and its successor open, or the subscription has come to its end.

    Idempotent by the period's status: a closed one stays as it is. A period whose end was moved
    beyond ``due_at`` meanwhile is left open.
    """
    subscription = _lock(session, organization_id, subscription_id)
    stored = _get_period(session, subscription, period_index)
    if stored.status != PeriodStatus.OPEN or stored.ends_at > due_at:
        return
    at = clocks.acting_instant(session, subscription, due_at, now=now)
    stored.status = PeriodStatus.CLOSED
    stored.closed_at = at
    session.add(stored)
    subscriptions.insert_action(
        session,
        subscription,
        "period_closed",
        at=stored.ends_at,
        recorded_at=now,
        period_index=period_index,
    )
    if subscription.cancel_at_period_end and subscription.ended_at is None:
        _end(session, subscription, at=stored.ends_at, now=now)
    if subscription.ended_at is None:
        _open_next(session, subscription, stored)
    session.flush()


def end_trial(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    *,
    due_at: datetime,
    now: datetime,
) -> None:
    """The trial is over: the subscription is active and its first period starts at the trial's end.

    Idempotent by status. Source: CONTRACT 21.
    """
    subscription = _lock(session, organization_id, subscription_id)
    if subscription.status != SubscriptionStatus.TRIAL or subscription.trial_end_date != due_at:
        return
    if subscription.cancel_at_period_end:
        _end(session, subscription, at=due_at, now=now)
        return
    _move(session, subscription, SubscriptionStatus.ACTIVE)
    subscription.anchor_at = due_at
    open_first_period(session, subscription)
    subscriptions.insert_action(session, subscription, "trial_ended", at=due_at, recorded_at=now)


def resume_due(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    *,
    due_at: datetime,
    now: datetime,
) -> None:
    """A pause ends at the instant that was planned for it. Idempotent by status."""
    subscription = _lock(session, organization_id, subscription_id)
    if subscription.status != SubscriptionStatus.PAUSED or subscription.resume_at != due_at:
        return
    end_pause(session, subscription, at=due_at, now=now)


def end_pause(session: Session, subscription: Subscription, *, at: datetime, now: datetime) -> None:
    """The pause ends at ``at``; the subscription is past due again if an invoice is overdue."""
    for pause in subscriptions.list_pauses(session, subscription.organization_id, subscription.id):
        if pause.ends_at is None or pause.ends_at > at:
            pause.ends_at = max(at, pause.starts_at)
            session.add(pause)
    is_overdue = invoices.has_overdue(session, subscription.organization_id, subscription.id)
    target = SubscriptionStatus.PAST_DUE if is_overdue else SubscriptionStatus.ACTIVE
    subscription.resume_at = None
    _move(session, subscription, target)
    subscriptions.insert_action(session, subscription, "resumed", at=at, recorded_at=now)


def _open_next(session: Session, subscription: Subscription, closed: SubscriptionPeriod) -> None:
    if subscription.next_plan_id is not None:
        subscription.plan_id = subscription.next_plan_id
        subscription.next_plan_id = None
    open_period(
        session,
        subscription,
        index=closed.index + 1,
        ordinal=closed.ordinal + 1,
        starts_at=closed.ends_at,
    )


def _end(session: Session, subscription: Subscription, *, at: datetime, now: datetime) -> None:
    _move(session, subscription, SubscriptionStatus.CANCELED)
    subscription.ended_at = at
    session.add(subscription)
    subscriptions.insert_action(session, subscription, "canceled", at=at, recorded_at=now)


def _move(session: Session, subscription: Subscription, target: SubscriptionStatus) -> None:
    require_transition(SubscriptionStatus(subscription.status), target)
    subscription.status = target
    session.add(subscription)
    session.flush()


def _lock(session: Session, organization_id: UUID, subscription_id: UUID) -> Subscription:
    subscription = subscriptions.lock_subscription(session, organization_id, subscription_id)
    if subscription is None:
        raise NotFound("Subscription not found.", code="subscription_not_found")
    return subscription


def _get_period(session: Session, subscription: Subscription, index: int) -> SubscriptionPeriod:
    stored = subscriptions.find_period(
        session, subscription.organization_id, subscription.id, index
    )
    if stored is None:
        raise InvariantBroken(
            f"Period {index} is on the agenda but not stored.", subscription_id=str(subscription.id)
        )
    return stored
