"""Which version of its plan bills a period: known when the period opens (CONTRACT 95).

An edit of a plan holds the plan's row; so does, shared, whoever opens a period or cuts one, before
it touches a row of a period. Either the edit finds the period, or the period finds the edit.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import NotFound
from billing.rating.terms import PlanTerms, VersionPolicy
from billing.timeline import Happening
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.catalog import plans as stored_plans
from repositories.catalog import versions as stored_versions
from repositories.subscriptions import actions as stored_actions
from services.catalog import versions
from services.required import require_plan

PlanKey = tuple[UUID, UUID]
"""Organization and plan."""


def lock_edits_out(session: Session, plans: Collection[PlanKey]) -> None:
    """Until the transaction ends, nobody edits the plans, which periods are on that come next.

    The caller holds the subscriptions' locks and has changed none of their periods yet.
    """
    stored_plans.share_plans(session, plans)


def plan_to_open(subscription: Subscription) -> PlanKey:
    """The plan that the subscription's next period is on."""
    return subscription.organization_id, subscription.next_plan_id or subscription.plan_id


def list_versions_to_follow(
    session: Session, closing: Sequence[tuple[Subscription, SubscriptionPeriod]]
) -> dict[UUID, int]:
    """The version that bills what follows each period, if its subscription goes on as it is.

    As :func:`version_to_open`, by one statement, for those that neither pin nor change their plan.
    """
    found = stored_versions.list_versions_to_open(
        session,
        [
            (one, one.plan_id, closed.ends_at)
            for one, closed in closing
            if one.plan_version is None and one.next_plan_id is None
        ],
    )
    return {key: version for key, version in found.items() if version is not None}


def version_to_open(
    session: Session,
    subscription: Subscription,
    *,
    begins_at: datetime | None = None,
    part_of: SubscriptionPeriod | None = None,
) -> int:
    """The version that the subscription's next period is billed by.

    A pinned subscription has its own. What goes on after a cut, a ``part_of`` the period that was
    cut, keeps its version on the same plan. Every other period has the version that was newest
    when it began, the newest of all where no begin is named. Raises NotFound.
    """
    if part_of is not None and part_of.plan_id == subscription.plan_id:
        return stored_versions.find_version_of_period(
            session, subscription.organization_id, subscription.id, part_of.index
        )
    return subscription.plan_version or newest_version(
        session, subscription, subscription.plan_id, begins_at=begins_at
    )


def newest_version(
    session: Session, subscription: Subscription, plan_id: UUID, *, begins_at: datetime | None
) -> int:
    """The version of a plan that was newest at an instant, of all where none is named.

    Raises NotFound.
    """
    found = stored_versions.list_versions_to_open(session, [(subscription, plan_id, begins_at)])
    version = found.get(subscription.id)
    if version is None:
        raise NotFound("The plan has no version.", code="plan_version_not_found")
    return version


def switch_plan(
    session: Session,
    subscription: Subscription,
    plan_id: UUID,
    *,
    at: datetime,
    begins_at: datetime | None = None,
    now: datetime,
) -> None:
    """The subscription is on the plan from here on.

    If it pins, it is pinned to the version that was newest at ``begins_at``; one that was on the
    plan already stays pinned as it was.
    """
    plan = require_plan(
        stored_plans.find_plan(session, subscription.organization_id, plan_id),
        may_be_deleted=True,
        field="plan_id",
    )
    if subscription.version_policy == VersionPolicy.PINNED and subscription.plan_id != plan.id:
        subscription.plan_version = newest_version(
            session, subscription, plan.id, begins_at=begins_at
        )
    subscription.plan_id = plan.id
    subscription.next_plan_id = None
    subscription.billing_interval = plan.billing_interval
    subscription.billing_interval_count = plan.billing_interval_count
    session.add(subscription)
    stored_actions.insert_action(
        session, subscription, Happening.PLAN_CHANGED, at=at, recorded_at=now, detail=plan.lookup_id
    )
    session.flush()


def terms_in_force(session: Session, subscription: Subscription) -> PlanTerms:
    """The terms of the running period."""
    return versions.get_terms(
        session,
        subscription.organization_id,
        subscription.plan_id,
        version_in_force(session, subscription),
    )


def version_in_force(session: Session, subscription: Subscription) -> int:
    """The version of the running period, in a trial that which the first would have today.

    After the subscription's end it is that of its last period.
    """
    return list_versions_in_force(session, subscription.organization_id, [subscription])[
        subscription.id
    ]


def list_versions_in_force(
    session: Session, organization_id: UUID, held: Sequence[Subscription]
) -> dict[UUID, int]:
    """The version of the running period of each of these subscriptions, by one statement."""
    return stored_versions.list_versions_in_force(
        session, organization_id, [one.id for one in held]
    )
