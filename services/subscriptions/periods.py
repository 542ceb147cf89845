"""What a subscription does when an instant of its life has come: the steps before its bill."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.notifications.events import WebhookEvent
from billing.subscriptions import (
    PeriodStatus,
    SubscriptionStatus,
    change_period_status,
    require_transition,
)
from billing.timeline import Happening
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import late_usage as stored_late_usage
from repositories.subscriptions import actions as stored_actions
from repositories.subscriptions import subscriptions as stored_subscriptions
from repositories.usage.arrival_locks import lock_arrivals
from services.announcements import announce_subscription
from services.catalog import meter_claims, versions
from services.required import require_subscription
from services.subscriptions.period_versions import lock_edits_out, plan_to_open, switch_plan
from services.subscriptions.start import open_first_period


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
        end_subscription(session, subscription, at=due_at, now=now)
        return
    lock_edits_out(session, [plan_to_open(subscription)])
    _move(session, subscription, SubscriptionStatus.ACTIVE)
    subscription.anchor_at = due_at
    if subscription.next_plan_id is not None:
        switch_plan(
            session, subscription, subscription.next_plan_id, at=due_at, begins_at=due_at, now=now
        )
    open_first_period(session, subscription)
    stored_actions.insert_action(
        session, subscription, Happening.TRIAL_ENDED, at=due_at, recorded_at=now
    )
    announce_subscription(
        session, subscription, WebhookEvent.SUBSCRIPTION_ACTIVATED, at=due_at, now=now
    )


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
    lock_arrivals(session, [(subscription.organization_id, subscription.customer_id)])
    key = (subscription.organization_id, subscription.id)
    for pause in stored_subscriptions.list_pauses(session, [key])[key]:
        if pause.ends_at is None or pause.ends_at > at:
            pause.ends_at = max(at, pause.starts_at)
            session.add(pause)
    is_overdue = stored_invoices.has_overdue(session, subscription.organization_id, subscription.id)
    target = SubscriptionStatus.PAST_DUE if is_overdue else SubscriptionStatus.ACTIVE
    subscription.resume_at = None
    _move(session, subscription, target)
    stored_actions.insert_action(session, subscription, Happening.RESUMED, at=at, recorded_at=now)


def cut_period(
    session: Session, subscription: Subscription, *, at: datetime, now: datetime
) -> SubscriptionPeriod | None:
    """End the open period at ``at`` and close it; give it, or None if nothing of it had passed.

    A period that had not begun by then never was: its row is taken away, and the one before it is
    the current one again. The caller decides what comes after it.
    """
    stored = find_open_period(session, subscription)
    if stored is None:
        return None
    if stored.starts_at >= at:
        session.delete(stored)
        session.flush()
        _return_to(session, subscription, stored.index - 1, now=now)
        session.flush()
        return None
    stored.ends_at = subscription.current_period_end = at
    session.add(subscription)
    close_period(session, subscription, stored, at=at, now=now)
    session.flush()
    return stored


def find_open_period(session: Session, subscription: Subscription) -> SubscriptionPeriod | None:
    """The period that runs, or None in a trial and after the end."""
    return stored_subscriptions.find_open_period(
        session, subscription.organization_id, subscription.id
    )


def close_period(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    *,
    at: datetime,
    now: datetime,
) -> None:
    """The period is over, and the timeline says so."""
    stored.status = change_period_status(stored.status, PeriodStatus.CLOSED)
    stored.closed_at = at
    session.add(stored)
    stored_actions.insert_action(
        session,
        subscription,
        Happening.PERIOD_CLOSED,
        at=stored.ends_at,
        recorded_at=now,
        period_index=stored.index,
    )


def _return_to(session: Session, subscription: Subscription, index: int, *, now: datetime) -> None:
    former = stored_subscriptions.find_period(
        session, subscription.organization_id, subscription.id, index
    )
    if former is not None:
        subscription.current_period_index = former.index
        subscription.current_period_start = former.starts_at
        subscription.current_period_end = former.ends_at
        session.add(subscription)
        _settle_terms(session, subscription, former, now=now)


def _settle_terms(
    session: Session, subscription: Subscription, former: SubscriptionPeriod, *, now: datetime
) -> None:
    """Terms of commitments may end with a period that has its bill: the next one settles them."""
    if former.status != PeriodStatus.FINAL:
        return
    terms = versions.get_terms(session, former.organization_id, former.plan_id, former.plan_version)
    if terms.commitments:
        stored_late_usage.mark_periods(
            session, subscription, [former.index], ends_term=True, now=now
        )


def end_subscription(
    session: Session, subscription: Subscription, *, at: datetime, now: datetime
) -> None:
    """The subscription is over at ``at``; what was used until then is still billed."""
    subscription.ended_at = at
    subscription.resume_at = subscription.next_plan_id = None
    _move(session, subscription, SubscriptionStatus.CANCELED)
    meter_claims.claim_onwards(session, subscription, since=at)
    stored_actions.insert_action(session, subscription, Happening.CANCELED, at=at, recorded_at=now)
    announce_subscription(session, subscription, WebhookEvent.SUBSCRIPTION_CANCELED, at=at, now=now)


def _move(session: Session, subscription: Subscription, target: SubscriptionStatus) -> None:
    require_transition(SubscriptionStatus(subscription.status), target)
    subscription.status = target
    session.add(subscription)
    session.flush()


def _lock(session: Session, organization_id: UUID, subscription_id: UUID) -> Subscription:
    return require_subscription(
        stored_subscriptions.lock_subscription(session, organization_id, subscription_id),
        may_be_deleted=True,
    )
