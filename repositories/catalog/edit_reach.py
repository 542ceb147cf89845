"""Which periods an edit of a plan reaches, and from when. Source: CONTRACT 95."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlmodel import Session

from models.subscriptions.states import BOUNDARY, LIVE


def move_open_periods(
    session: Session,
    organization_id: UUID,
    plan_id: UUID,
    version: int,
    *,
    is_running: bool,
    now: datetime,
) -> None:
    """Periods that have not begun are billed by the version; with ``is_running`` those that run.

    One statement however many they are. The caller holds the plan's lock. Pinned subscriptions
    keep their version, and periods that are over keep theirs.
    """
    session.flush()
    session.execute(
        _MOVE_OPEN_PERIODS,
        {
            "organization_id": organization_id,
            "plan_id": plan_id,
            "version": version,
            "is_running": is_running,
            "now": now,
        },
    )


def has_running_before(
    session: Session, organization_id: UUID, plan_id: UUID, version: int, *, now: datetime
) -> bool:
    """Whether a running period would be moved to the version: one before it bills it.

    The caller holds the plan's lock.
    """
    return bool(
        session.execute(
            _HAS_RUNNING_BEFORE,
            {
                "organization_id": organization_id,
                "plan_id": plan_id,
                "version": version,
                "is_running": True,
                "now": now,
            },
        ).scalar_one()
    )


def measure_reach(
    session: Session,
    organization_id: UUID,
    plan_ids: Collection[UUID],
    *,
    is_running: bool,
    now: datetime,
    pinned: Collection[UUID] | None = None,
) -> tuple[datetime | None, int]:
    """When the first period begins that an edit of these plans reaches, and of how many.

    ``pinned`` are the subscriptions that move to another version, where no plan is edited but
    they are migrated.
    """
    session.flush()
    row = session.execute(
        _MEASURE_REACH if pinned is None else _MEASURE_MIGRATION,
        {
            "organization_id": organization_id,
            "plans": list(plan_ids),
            "is_running": is_running,
            "now": now,
            **({} if pinned is None else {"pinned": list(pinned)}),
        },
    ).one()
    return row.first_begin, row.met


PRESENT: Final = "coalesce(clock.target_time, clock.frozen_time, :now)"
"""What time it is for a subscription: on its clock, or on the wall."""

HAS_NOT_BEGUN: Final = f"""(
    subscription.current_period_start > {PRESENT}
    OR (subscription.current_period_start = {PRESENT} AND EXISTS (
        SELECT FROM subscription_period AS whole
        WHERE whole.organization_id = subscription.organization_id
            AND whole.subscription_id = subscription.id
            AND whole.index = subscription.current_period_index
            AND whole.starts_at IN (whole.regular_starts_at, whole.anchor_at)
    ))
)"""
"""Whether nothing of the open period has passed: as an event on a boundary belongs to the later
period, so does an edit. What goes on after a cut is no new period, so it has begun before.

``services.lifecycle.version_migration`` says the same in Python.
"""

_SUBSCRIPTION_ON_CLOCK: Final = """
FROM subscription
LEFT JOIN test_clock AS clock ON clock.organization_id = subscription.organization_id
    AND clock.id = subscription.test_clock_id"""

# A period that is over is nobody's running period, also while nobody has closed it.
_REACHED: Final = f"""
(
    SELECT subscription.organization_id, subscription.id, subscription.current_period_index
    {_SUBSCRIPTION_ON_CLOCK}
    WHERE subscription.organization_id = :organization_id AND subscription.plan_id = :plan_id
        AND {LIVE} AND subscription.version_policy = 'latest'
        AND subscription.current_period_end > {PRESENT}
        AND (:is_running OR {HAS_NOT_BEGUN})
) AS met
WHERE period.organization_id = met.organization_id AND period.subscription_id = met.id
    AND period.index = met.current_period_index AND period.status = 'open'
    AND period.plan_id = :plan_id AND period.plan_version < :version"""

_MOVE_OPEN_PERIODS: Final = text(
    f"UPDATE subscription_period AS period SET plan_version = :version FROM {_REACHED}"  # noqa: S608  (put together out of constants)
)
_HAS_RUNNING_BEFORE: Final = text(
    f"SELECT EXISTS (SELECT FROM subscription_period AS period, {_REACHED})"  # noqa: S608  (put together out of constants)
)


def _reach(which: str, moves: str) -> TextClause:
    # The open period counts where it runs on, or has not begun; the one that comes after it where
    # it comes at all. In a trial there is no period yet, and its end is where the first begins.
    # Of a period that nobody has closed in time only this is known: the next begins later.
    return text(f"""
SELECT min(met.begin) AS first_begin, count(met.begin) AS met
FROM (
    SELECT least(
        CASE WHEN subscription.status <> 'TRIAL' AND subscription.plan_id = ANY (:plans)
            AND {moves} AND subscription.current_period_end > {PRESENT}
            AND (:is_running OR {HAS_NOT_BEGUN})
        THEN subscription.current_period_start END,
        CASE WHEN NOT subscription.cancel_at_period_end
            AND CASE WHEN subscription.next_plan_id IS NULL
                THEN subscription.plan_id = ANY (:plans) AND {moves}
                ELSE subscription.next_plan_id = ANY (:plans) END
        THEN greatest(
            {BOUNDARY},
            CASE WHEN NOT :is_running THEN {PRESENT} END
        ) END
    ) AS begin
    {_SUBSCRIPTION_ON_CLOCK}
    WHERE subscription.organization_id = :organization_id AND {LIVE} AND {which}
) AS met""")  # noqa: S608  (put together out of constants)


_MEASURE_REACH: Final = _reach(
    "(subscription.plan_id = ANY (:plans) OR subscription.next_plan_id = ANY (:plans))",
    "subscription.version_policy = 'latest'",
)
_MEASURE_MIGRATION: Final = _reach("subscription.id = ANY (:pinned)", "true")
