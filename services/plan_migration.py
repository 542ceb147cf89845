"""Pinned subscriptions move to the newest version of their plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import NotFound
from models.plans import Plan
from models.subscriptions import Subscription
from repositories import plans, subscriptions
from services import meter_claims, period_closing
from services.auditing import record
from services.subscription_changes import lock_for_change


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionChange:
    """A subscription that moves from one version of its plan to another."""

    subscription_id: UUID
    from_version: int
    to_version: int


def preview_migration(
    session: Session, organization_id: UUID, plan_id: UUID
) -> tuple[VersionChange, ...]:
    """The subscriptions that would move, oldest first. Nothing changes. Raises NotFound."""
    plan = _get_plan(session, organization_id, plan_id)
    return tuple(_change(one, plan) for one in _list_behind(session, plan))


def migrate_subscriptions(
    session: Session, organization_id: UUID, plan_id: UUID, *, now: datetime
) -> tuple[VersionChange, ...]:
    """Pinned subscriptions are on the newest version, from the period that runs now on.

    Periods that have ended are billed by the version that they were pinned to. Idempotent: who is
    on the newest version stays as they are. Raises NotFound, and Conflict while the test clock of
    one of them advances. Source: CONTRACT 14, 39.
    """
    plan = _get_plan(session, organization_id, plan_id)
    moved = []
    for waiting in _list_behind(session, plan):
        subscription, _ = lock_for_change(session, organization_id, waiting.id, now=now)
        if _is_behind(subscription, plan):
            moved.append(_change(subscription, plan))
            _move(session, subscription, plan, now=now)
    return tuple(moved)


def _move(session: Session, subscription: Subscription, plan: Plan, *, now: datetime) -> None:
    before = subscription.plan_version
    subscription.plan_version = plan.version
    session.add(subscription)
    running = period_closing.find_open_period(session, subscription)
    if running is not None and running.plan_id == plan.id:
        running.plan_version = plan.version
        session.add(running)
    meter_claims.claim_onwards(
        session, subscription, since=None if running is None else running.starts_at
    )
    record(
        session,
        subscription.organization_id,
        "subscription.migrated",
        "subscription",
        subscription.id,
        before={"plan_version": before},
        after={"plan_version": plan.version},
        now=now,
    )


def _list_behind(session: Session, plan: Plan) -> Sequence[Subscription]:
    return subscriptions.list_pinned_behind(
        session, plan.organization_id, plan.id, version=plan.version
    )


def _is_behind(subscription: Subscription, plan: Plan) -> bool:
    version = subscription.plan_version
    return subscription.plan_id == plan.id and version is not None and version < plan.version


def _change(subscription: Subscription, plan: Plan) -> VersionChange:
    return VersionChange(
        subscription_id=subscription.id,
        from_version=subscription.plan_version or plan.version,
        to_version=plan.version,
    )


def _get_plan(session: Session, organization_id: UUID, plan_id: UUID) -> Plan:
    # Shared, so that the newest version is still the newest when the last one has moved.
    plan = plans.lock_plan(session, organization_id, plan_id, share=True)
    if plan is None or plan.deleted_at is not None:
        raise NotFound("Plan not found.", code="plan_not_found")
    return plan
