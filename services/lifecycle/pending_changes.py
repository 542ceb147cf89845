"""Changes that were kept until the missed periods before them were billed: now they are done.

A workflow comes to them by its agenda; a request that waits for one goes on with it in short
transactions, each of which may be the last. Source: CONTRACT 75, 89.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import BillingError, InvariantBroken, Unavailable
from billing.pending_changes import ChangeAction, PendingChange
from billing.timeline import Happening
from models.subscriptions.subscriptions import Subscription
from repositories.subscriptions import actions as stored_actions
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.lifecycle import catching_up, changes, plan_changes
from services.required import require_subscription
from services.subscriptions.periods import find_open_period
from services.subscriptions.stored_changes import change_of


def apply_change(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    *,
    due_at: datetime,
    now: datetime,
) -> None:
    """The pending change is done as of its instant, and waits no more.

    One that the rules do not allow any more is refused, and the timeline says so. Idempotent by
    the change's instant.
    """
    subscription = require_subscription(
        stored_subscriptions.lock_subscription(session, organization_id, subscription_id),
        may_be_deleted=True,
    )
    change = change_of(subscription)
    if change is None or change.at > due_at:
        return
    running = find_open_period(session, subscription)
    if running is not None and running.ends_at <= change.at:
        return
    _apply(session, subscription, change, now=now)


def go_on(session: Session, organization_id: UUID, subscription_id: UUID, *, now: datetime) -> int:
    """A part of what is missed is closed and billed, and then what is pending is done.

    How much was done, at most ``IN_ONE_TRANSACTION``; less if nothing is left, and nothing where
    more is missed than requests do. Raises NotFound, and Conflict while the clock advances.
    """
    subscription, present = changes.begin_change(session, organization_id, subscription_id, now=now)
    change = change_of(subscription)
    to = present if change is None else change.at
    if catching_up.count_missed(session, subscription, to=to) > catching_up.AT_ONCE:
        return 0
    done = catching_up.advance_a_little(session, subscription, to=to, now=now)
    if change is not None and done < catching_up.IN_ONE_TRANSACTION:
        _apply(session, subscription, change, now=now)
        catching_up.bill_closed(session, subscription, now=now)
    return done


def _apply(
    session: Session, subscription: Subscription, change: PendingChange, *, now: datetime
) -> None:
    subscription.pending_change = None
    session.add(subscription)
    session.flush()
    try:
        with session.begin_nested():
            _perform(session, subscription, change, now=now)
    except (InvariantBroken, Unavailable):
        raise
    except BillingError as error:
        stored_actions.insert_action(
            session,
            subscription,
            Happening.CHANGE_REFUSED,
            at=change.at,
            recorded_at=now,
            detail=f"{change.action}: {error.detail}",
        )
        session.flush()


def _perform(
    session: Session, subscription: Subscription, change: PendingChange, *, now: datetime
) -> None:
    match change.action:
        case ChangeAction.CANCEL:
            changes.end_subscription(
                session,
                subscription,
                at_period_end=change.at_period_end,
                reason=change.reason,
                at=change.at,
                now=now,
            )
        case ChangeAction.DELETE:
            changes.hide_subscription(session, subscription, at=change.at, now=now)
        case ChangeAction.REACTIVATE:
            changes.take_cancellation_back(session, subscription, now=now)
        case ChangeAction.PAUSE:
            changes.begin_pause(
                session, subscription, resume_at=change.resume_at, at=change.at, now=now
            )
        case ChangeAction.RESUME:
            changes.resume_now(session, subscription, at=change.at, now=now)
        case ChangeAction.CHANGE_PLAN:
            assert change.plan_id is not None
            plan_changes.put_on_plan(
                session,
                subscription,
                UUID(change.plan_id),
                change,
                now=now,
            )
        case ChangeAction.GENERATE_INVOICE:
            pass  # It waited for overdue periods, and they have their bills by now.
