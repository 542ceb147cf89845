"""Pinned subscriptions move to the newest version of their plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, NotFound
from billing.rating.terms import Effective
from billing.subscriptions import is_live
from models.catalog.plans import Plan
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.catalog import edit_reach
from repositories.catalog import plans as stored_plans
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.audit_log import record
from services.catalog import meter_claims
from services.catalog.edits import (
    EditReach,
    is_for_running,
    reach_nobody,
    settle_ended_terms,
)
from services.lifecycle import catching_up
from services.lifecycle.changes import begin_change
from services.required import require_plan
from services.subscriptions import periods

AT_ONCE = 10
"""How many move in one transaction, so that nothing is locked for long. What they have missed may
end it earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionChange:
    """A subscription that moves from one version of its plan to another."""

    subscription_id: UUID
    from_version: int
    to_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Who of a batch moved, and what the first of the others was refused for.

    ``rest`` are those that the transaction did not come to, since it had ``closed`` so many missed
    periods already.
    """

    changes: tuple[VersionChange, ...]
    refusal: Conflict | None = None
    closed: int = 0
    rest: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """How far one subscription came: the periods it closed, and its move; None if it has none."""

    closed: int
    is_through: bool
    change: VersionChange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """Who moves, oldest first, and from when the first of them is billed by the new version."""

    changes: tuple[VersionChange, ...]
    reach: EditReach


def preview_migration(
    session: Session,
    organization_id: UUID,
    plan_id: UUID,
    *,
    effective: Effective | None = None,
    now: datetime,
) -> Migration:
    """The subscriptions that would move. Nothing changes. Raises NotFound."""
    plan = _get_plan(session, organization_id, plan_id)
    changes = [_change(one, plan) for one in _list_behind(session, plan)]
    is_running = is_for_running(session, organization_id, effective)
    return _migration(session, plan, changes, is_running=is_running, now=now)


def list_batches(session: Session, organization_id: UUID, plan_id: UUID) -> list[list[UUID]]:
    """The subscriptions that are behind, in batches of one short transaction each, oldest first.

    Raises NotFound.
    """
    plan = _get_plan(session, organization_id, plan_id)
    behind = [one.id for one in _list_behind(session, plan)]
    return [behind[first : first + AT_ONCE] for first in range(0, len(behind), AT_ONCE)]


def migrate_batch(
    session: Session,
    organization_id: UUID,
    plan_id: UUID,
    subscription_ids: Sequence[UUID],
    *,
    effective: Effective | None = None,
    at_most: int = catching_up.IN_ONE_TRANSACTION,
    now: datetime,
) -> Batch:
    """Pinned subscriptions are on the newest version, from the next period or the running one on.

    Periods that have ended are billed by the version that they were pinned to; ``at_most`` so many
    are closed, and the next transaction goes on from there. With 0, who has missed some is refused.
    Idempotent: who is on the newest version stays as they are, and so does who is gone, or comes to
    their end by what was missed. One that cannot move keeps nobody else from it. Raises NotFound
    for the plan. Source: CONTRACT 14, 39, 89, 95.
    """
    plan = _get_plan(session, organization_id, plan_id)
    is_running = is_for_running(session, organization_id, effective)
    moved: list[VersionChange] = []
    refusals: list[Conflict] = []
    closed, rest = 0, tuple(subscription_ids)
    while rest:
        try:
            with session.begin_nested():
                left = None if at_most == 0 else at_most - closed
                step = _move_if_behind(
                    session, plan, rest[0], is_running=is_running, at_most=left, now=now
                )
        except NotFound:
            step = None  # deleted since it was listed
        except Conflict as refusal:
            refusals.append(refusal)
            step = None
        if step is not None:
            closed += step.closed
            moved += [step.change] if step.change else []
            if not step.is_through:
                break
        rest = rest[1:]
    return Batch(changes=tuple(moved), refusal=next(iter(refusals), None), closed=closed, rest=rest)


def describe_migration(
    session: Session,
    organization_id: UUID,
    plan_id: UUID,
    batches: Sequence[Batch],
    *,
    effective: Effective | None = None,
    now: datetime,
) -> Migration:
    """What all batches of one request came to.

    Raises Conflict if somebody could not move: their test clock advances, they have missed periods,
    or another subscription charges a meter already. The others have moved; a repeat goes on.
    """
    for batch in batches:
        if batch.refusal is not None:
            raise batch.refusal
    plan = _get_plan(session, organization_id, plan_id)
    is_running = is_for_running(session, organization_id, effective)
    changes = [change for batch in batches for change in batch.changes]
    return _migration(session, plan, changes, is_running=is_running, now=now)


def _move_if_behind(
    session: Session,
    plan: Plan,
    subscription_id: UUID,
    *,
    is_running: bool,
    at_most: int | None,
    now: datetime,
) -> _Step:
    subscription, present = begin_change(session, plan.organization_id, subscription_id, now=now)
    closed = catching_up.catch_up_partly(
        session, subscription, to=present, at_most=at_most or 0, now=now
    )
    if not catching_up.has_caught_up(session, subscription, to=present):
        if at_most is None:
            raise catching_up.still_catching_up(subscription, 1)
        return _Step(closed=closed, is_through=False)
    # What was due of its life may have ended it just now.
    is_alive = is_live(subscription.status, subscription.deleted_at)
    if not is_alive or not _is_behind(subscription, plan):
        return _Step(closed=closed, is_through=True)
    change = _change(subscription, plan)
    since = _move_open_period(session, subscription, plan, after=None if is_running else present)
    if since is not None:
        settle_ended_terms(session, plan, subscription_id=subscription.id, now=now)
    _move(session, subscription, plan, since=since, now=now)
    return _Step(closed=closed, is_through=True, change=change)


def _migration(
    session: Session,
    plan: Plan,
    changes: Sequence[VersionChange],
    *,
    is_running: bool,
    now: datetime,
) -> Migration:
    if not changes:
        return Migration(changes=(), reach=reach_nobody(now=now))
    first_begin, _ = edit_reach.measure_reach(
        session,
        plan.organization_id,
        [plan.id],
        is_running=is_running,
        now=now,
        pinned=[one.subscription_id for one in changes],
    )
    reach = EditReach(effective_from=first_begin or now, subscriptions=len(changes))
    return Migration(changes=tuple(changes), reach=reach)


def _move_open_period(
    session: Session, subscription: Subscription, plan: Plan, *, after: datetime | None
) -> datetime | None:
    """The open period is billed by the newest version, if it begins at ``after`` or later.

    Gives its begin, None where the newest version bills from the next period on.
    """
    stored = periods.find_open_period(session, subscription)
    if stored is None or stored.plan_id != plan.id:
        return None
    if after is not None and not _has_not_begun(stored, after):
        return None
    stored.plan_version = plan.version
    session.add(stored)
    return stored.starts_at


def _has_not_begun(stored: SubscriptionPeriod, at: datetime) -> bool:
    """``repositories.catalog.edit_reach.HAS_NOT_BEGUN`` of one period."""
    is_whole = stored.starts_at in (stored.regular_starts_at, stored.anchor_at)
    return stored.starts_at > at or (stored.starts_at == at and is_whole)


def _move(
    session: Session,
    subscription: Subscription,
    plan: Plan,
    *,
    since: datetime | None,
    now: datetime,
) -> None:
    before = subscription.plan_version
    subscription.plan_version = plan.version
    session.add(subscription)
    meter_claims.claim_onwards(session, subscription, since=since)
    session.flush()
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
    return stored_subscriptions.list_pinned_behind(
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
    return require_plan(stored_plans.lock_plan(session, organization_id, plan_id, share=True))
