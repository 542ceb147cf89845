"""Versions of plans: which one a period opens with, and which periods an edit reaches.

A version bills the periods that begin after it was made; one that is ``effective`` in running
periods bills those too that had begun and were not over. Source: CONTRACT 95.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from models.catalog.plans import PlanVersion
from models.subscriptions.subscriptions import Subscription

VERSION_TO_OPEN: Final = """coalesce(
    (
        -- The newest of those that may bill a period which begins then.
        SELECT made.version FROM plan_version AS made
        WHERE made.organization_id = subscription.organization_id AND made.plan_id = {plan}
            AND (
                {begin} IS NULL OR {begin} <= subscription.created_at
                OR subscription.test_clock_id IS NOT NULL
                OR made.created_at <= {begin} OR made.effective = 'running_period'
                OR made.version <= (
                    SELECT former.plan_version FROM subscription_period AS former
                    WHERE former.organization_id = subscription.organization_id
                        AND former.subscription_id = subscription.id
                        AND former.index = subscription.current_period_index
                        AND former.plan_id = made.plan_id
                )
            )
        ORDER BY made.version DESC LIMIT 1
    ),
    -- A period may begin before any version was made.
    (
        SELECT max(made.version) FROM plan_version AS made
        WHERE made.organization_id = subscription.organization_id AND made.plan_id = {plan}
    )
)"""
"""The version of ``plan`` that a period of ``subscription`` opens with that begins at ``begin``.

Whoever opens it late takes what was newest when it began: what was edited since is for the
next one. It never goes back behind the period before it. It is the newest of all where a period
begins before its subscription was made, where nothing but the present is meant (no ``begin``), and
on a test clock, whose periods are opened before anybody edits anything.
"""

VERSION_IN_FORCE: Final = "coalesce(period.plan_version, subscription.plan_version, plan.version)"
"""The version of the running period; in a trial, which has none, that of its plan today."""

PERIOD_AND_PLAN: Final = """
    LEFT JOIN subscription_period AS period
        ON period.organization_id = subscription.organization_id
        AND period.subscription_id = subscription.id
        AND period.index = subscription.current_period_index
    LEFT JOIN plan ON plan.organization_id = subscription.organization_id
        AND plan.id = subscription.plan_id"""
"""What ``VERSION_IN_FORCE`` is read from."""


def insert_version(session: Session, version: PlanVersion) -> None:
    """Store the terms of a plan after an edit, for ever."""
    session.add(version)
    session.flush()


def insert_limited_meters(
    session: Session, organization_id: UUID, meter_ids: Iterable[UUID]
) -> None:
    """These meters are known as limited. Idempotent."""
    wanted = sorted(set(meter_ids))
    if wanted:
        session.execute(_INSERT_LIMITED, {"organization_id": organization_id, "meters": wanted})


def find_version_to_open(
    session: Session, subscription: Subscription, plan_id: UUID, *, begins_at: datetime | None
) -> int | None:
    """The version of the plan that a period of the subscription opens with, if it has any."""
    session.flush()  # plain statements do not do it by themselves
    found: int | None = session.execute(
        _FIND_VERSION_TO_OPEN,
        {
            "organization_id": subscription.organization_id,
            "subscription_id": subscription.id,
            "plan_id": plan_id,
            "begins_at": begins_at,
        },
    ).scalar_one_or_none()
    return found


def find_version_of_period(
    session: Session, organization_id: UUID, subscription_id: UUID, index: int
) -> int:
    """What a period is billed by, as it is stored now: an edit may have moved it since."""
    session.flush()
    found: int = session.execute(
        _FIND_VERSION_OF_PERIOD,
        {"organization_id": organization_id, "subscription_id": subscription_id, "index": index},
    ).scalar_one()
    return found


def list_versions_in_force(
    session: Session, organization_id: UUID, subscription_ids: Collection[UUID]
) -> dict[UUID, int]:
    """``VERSION_IN_FORCE`` of each of these subscriptions."""
    if not subscription_ids:
        return {}
    session.flush()
    keys = {"organization_id": organization_id, "subscriptions": list(subscription_ids)}
    rows = session.execute(_LIST_IN_FORCE, keys)
    return {row.id: row.version for row in rows}


def is_charged_by_running(session: Session, organization_id: UUID, meter_id: UUID) -> bool:
    """Whether a period that is not billed yet has a version that charges the meter."""
    session.flush()
    keys = {"organization_id": organization_id, "meter_id": meter_id}
    return bool(session.execute(_IS_CHARGED, keys).scalar_one())


def is_edited_since(session: Session, organization_id: UUID, plan_id: UUID, at: datetime) -> bool:
    """Whether a version of the plan was made at an instant or later."""
    newest = session.exec(
        select(PlanVersion.created_at)
        .where(PlanVersion.organization_id == organization_id, PlanVersion.plan_id == plan_id)
        .order_by(col(PlanVersion.version).desc())
        .limit(1)
    ).one_or_none()
    return newest is not None and newest >= at


_INSERT_LIMITED: Final = text("""
INSERT INTO limited_meter (organization_id, meter_id)
SELECT :organization_id, meter_id FROM unnest(CAST(:meters AS uuid[])) AS meter_id
ON CONFLICT DO NOTHING""")

_NAMED_VERSION: Final = VERSION_TO_OPEN.format(
    plan="CAST(:plan_id AS uuid)", begin="CAST(:begins_at AS timestamptz)"
)
_FIND_VERSION_TO_OPEN: Final = text(
    f"""
SELECT {_NAMED_VERSION} FROM subscription
WHERE organization_id = :organization_id AND id = :subscription_id"""  # noqa: S608  (constants)
)

_FIND_VERSION_OF_PERIOD: Final = text("""
SELECT plan_version FROM subscription_period
WHERE organization_id = :organization_id AND subscription_id = :subscription_id
    AND index = :index""")

_LIST_IN_FORCE: Final = text(f"""
SELECT subscription.id, {VERSION_IN_FORCE} AS version
FROM subscription{PERIOD_AND_PLAN}
WHERE subscription.organization_id = :organization_id
    AND subscription.id = ANY (:subscriptions)""")  # noqa: S608  (put together out of constants)

# Only plans count that have charged the meter at some time; their charges are never deleted.
_IS_CHARGED: Final = text("""
SELECT EXISTS (
    SELECT FROM (
        SELECT DISTINCT plan_id, plan_version FROM subscription_period
        WHERE organization_id = :organization_id AND status IN ('open', 'closed', 'parked')
            AND plan_id IN (
                SELECT charge.plan_id FROM charge
                WHERE charge.organization_id = :organization_id AND charge.meter_id = :meter_id
            )
    ) AS billed
    JOIN plan_version AS version ON version.organization_id = :organization_id
        AND version.plan_id = billed.plan_id AND version.version = billed.plan_version
    CROSS JOIN LATERAL jsonb_array_elements(version.terms -> 'charges') AS charge
    WHERE charge -> 'meter' ->> 'meter_id' = CAST(:meter_id AS text)
)""")
