"""Periods that end: each is closed and followed by the next, of many subscriptions at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import InvariantBroken
from billing.subscriptions import PeriodStatus, has_ended
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.catalog import versions as stored_versions
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.catalog import meter_claims
from services.required import require_subscription
from services.subscriptions import clocks
from services.subscriptions.period_versions import (
    list_versions_to_follow,
    lock_edits_out,
    plan_to_open,
    switch_plan,
    version_to_open,
)
from services.subscriptions.periods import close_period, end_subscription, find_open_period
from services.subscriptions.start import open_period


@dataclass(frozen=True, slots=True, kw_only=True)
class DuePeriod:
    """A period that is to be closed, and when that was due."""

    organization_id: UUID
    subscription_id: UUID
    index: int
    due_at: datetime


def roll_period(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    period_index: int,
    *,
    due_at: datetime,
    now: datetime,
) -> None:
    """As :func:`roll_periods`, of one."""
    due = DuePeriod(
        organization_id=organization_id,
        subscription_id=subscription_id,
        index=period_index,
        due_at=due_at,
    )
    roll_periods(session, [due], now=now)


def roll_periods(session: Session, due: Sequence[DuePeriod], *, now: datetime) -> None:
    """Each period is closed and its successor open, or its subscription has come to its end.

    Idempotent by the period's status: a closed one stays as it is. A period whose end was moved
    beyond ``due_at`` meanwhile is left open.
    """
    closing = [
        (subscription, stored, one.due_at)
        for one, (subscription, stored) in zip(due, _lock_all(session, due), strict=True)
        if stored.status == PeriodStatus.OPEN and stored.ends_at <= one.due_at
    ]
    plans = {plan_to_open(subscription) for subscription, _, _ in closing}
    lock_edits_out(session, plans)
    edits = stored_versions.list_newest_edits(session, plans)
    versions = list_versions_to_follow(session, [(one, stored) for one, stored, _ in closing])
    for subscription, stored, due_at in closing:
        at = clocks.acting_instant(session, subscription, due_at, now=now)
        close_period(session, subscription, stored, at=at, now=now)
        if subscription.cancel_at_period_end and not has_ended(subscription.status):
            end_subscription(session, subscription, at=stored.ends_at, now=now)
        if not has_ended(subscription.status):
            version = versions.get(subscription.id)
            _open_next(session, subscription, stored, version=version, now=now)
            if subscription.current_period_end > at:  # nothing is missed any more
                key = (subscription.organization_id, subscription.plan_id)
                meter_claims.claim_opened(
                    session, subscription, since=stored.ends_at, edited_at=edits[key]
                )
    session.flush()


def _lock_all(
    session: Session, due: Sequence[DuePeriod]
) -> list[tuple[Subscription, SubscriptionPeriod]]:
    keys = [(one.organization_id, one.subscription_id, one.index) for one in due]
    locked = stored_subscriptions.lock_subscriptions(session, [key[:2] for key in keys])
    stored = stored_subscriptions.list_periods_by_key(session, keys)
    found = []
    for key in keys:
        subscription = require_subscription(locked.get(key[:2]), may_be_deleted=True)
        if key not in stored:
            raise InvariantBroken(
                f"Period {key[2]} is on the agenda but not stored.",
                subscription_id=str(subscription.id),
            )
        found.append((subscription, stored[key]))
    return found


def close_next(
    session: Session, subscription: Subscription, *, to: datetime, now: datetime
) -> bool:
    """Close the running period if it ended by ``to``; whether it did.

    What happens at ``to`` is to find the right period open. The bill stays due; the workflow, or
    whoever asks for it, makes it in order.
    """
    stored = find_open_period(session, subscription)
    if stored is None or stored.ends_at > to:
        return False
    roll_period(
        session,
        subscription.organization_id,
        subscription.id,
        stored.index,
        due_at=stored.ends_at,
        now=now,
    )
    return True


def _open_next(
    session: Session,
    subscription: Subscription,
    closed: SubscriptionPeriod,
    *,
    version: int | None,
    now: datetime,
) -> None:
    """What follows a closed period, by ``version`` if that is known already."""
    follows: SubscriptionPeriod | None = closed
    if subscription.next_plan_id is not None:
        ends_at = closed.ends_at
        switch_plan(
            session, subscription, subscription.next_plan_id, at=ends_at, begins_at=ends_at, now=now
        )
        follows = None
    open_period(
        session,
        subscription,
        index=closed.index + 1,
        starts_at=closed.ends_at,
        version=version or version_to_open(session, subscription, begins_at=closed.ends_at),
        follows=follows,
    )
