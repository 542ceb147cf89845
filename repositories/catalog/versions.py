"""Versions of plans: which one a period opens with, and which periods an edit reaches.

A version bills the periods that begin after it was made; one that is ``effective`` in running
periods bills those too that had begun and were not over. Source: CONTRACT 95.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlmodel import Session, col, select

from models.catalog.plans import PlanVersion
from models.subscriptions.subscriptions import Subscription
from repositories.row_keys import among

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

_VERSION_TERMS: Final = text(
    """
    SELECT made.plan_id, made.version, made.terms::text
    FROM unnest(CAST(:plans AS uuid[]), CAST(:versions AS integer[])) AS asked (plan_id, version)
    JOIN plan_version AS made ON made.organization_id = :organization_id
        AND made.plan_id = asked.plan_id AND made.version = asked.version
    """
)


def insert_version(session: Session, version: PlanVersion) -> None:
    """Store the terms of a plan after an edit, for ever."""
    session.add(version)
    session.flush()


def list_version_terms(
    session: Session, organization_id: UUID, keys: Collection[tuple[UUID, int]]
) -> dict[tuple[UUID, int], str]:
    """The JSON of the terms of versions, each named with its plan; none asks nothing."""
    if not keys:
        return {}
    found = session.execute(
        _VERSION_TERMS,
        {
            "organization_id": organization_id,
            "plans": [plan_id for plan_id, _ in keys],
            "versions": [version for _, version in keys],
        },
    )
    return {(plan_id, version): terms for plan_id, version, terms in found}


def insert_limited_meters(
    session: Session, organization_id: UUID, meter_ids: Iterable[UUID]
) -> None:
    """These meters are known as limited. Idempotent."""
    wanted = sorted(set(meter_ids))
    if wanted:
        session.execute(_INSERT_LIMITED, {"organization_id": organization_id, "meters": wanted})


def list_versions_to_open(
    session: Session, opening: Sequence[tuple[Subscription, UUID, datetime | None]]
) -> dict[UUID, int | None]:
    """The version of a plan that a period of each subscription opens with, if there is any.

    With each come its plan and when the period begins.
    """
    if not opening:
        return {}
    session.flush()  # plain statements do not do it by themselves
    rows = session.execute(
        _LIST_VERSIONS_TO_OPEN,
        {
            "organizations": [one.organization_id for one, _, _ in opening],
            "subscriptions": [one.id for one, _, _ in opening],
            "plans": [plan_id for _, plan_id, _ in opening],
            "begins": [begins_at for _, _, begins_at in opening],
        },
    )
    return {row.id: row.version for row in rows}


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


def list_newest_edits(
    session: Session, keys: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], datetime]:
    """When the newest version of each plan was made, named with its organization."""
    key = (col(PlanVersion.organization_id), col(PlanVersion.plan_id))
    rows = session.exec(
        select(PlanVersion.organization_id, PlanVersion.plan_id, PlanVersion.created_at)
        .where(among(keys, *key))
        .order_by(*key, col(PlanVersion.version).desc())
        .ext(distinct_on(*key))
    )
    return {(organization_id, plan_id): made_at for organization_id, plan_id, made_at in rows}


_INSERT_LIMITED: Final = text("""
INSERT INTO limited_meter (organization_id, meter_id)
SELECT :organization_id, meter_id FROM unnest(CAST(:meters AS uuid[])) AS meter_id
ON CONFLICT DO NOTHING""")

_ASKED_VERSION: Final = VERSION_TO_OPEN.format(plan="asked.plan_id", begin="asked.begins_at")
_LIST_VERSIONS_TO_OPEN: Final = text(
    f"""
SELECT subscription.id, {_ASKED_VERSION} AS version
FROM unnest(
    CAST(:organizations AS uuid[]), CAST(:subscriptions AS uuid[]), CAST(:plans AS uuid[]),
    CAST(:begins AS timestamptz[])
) AS asked (organization_id, subscription_id, plan_id, begins_at)
JOIN subscription ON subscription.organization_id = asked.organization_id
    AND subscription.id = asked.subscription_id"""  # noqa: S608  (constants)
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
