"""The subscriptions that an edit of a plan would meet, each with the period that it is tried on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlmodel import Session

from models.subscriptions.states import LIVE
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.row_keys import PeriodKey
from repositories.subscriptions import subscriptions as stored_subscriptions

FIRST: Final = UUID(int=0)
"""What comes before every subscription."""

Follower = tuple[Subscription, SubscriptionPeriod]


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowersOf:
    """Which are wanted: of a plan, by the period that runs or the last one, perhaps one's own."""

    organization_id: UUID
    plan_id: UUID
    is_running: bool
    customer_id: UUID | None


def list_followers(
    session: Session, which: FollowersOf, *, after: UUID, limit: int
) -> list[Follower]:
    """Live subscriptions that follow the plan's edits, by id, each with its period.

    The period is the one that runs, or the last that is over; who has none by the plan is left
    out. Three statements, however many they are.
    """
    found = session.execute(
        _LIST_RUNNING if which.is_running else _LIST_LAST,
        {**_values(which), "after": after, "limit": limit},
    ).all()
    keys: list[PeriodKey] = [(which.organization_id, row.id, row.period_index) for row in found]
    subscriptions = stored_subscriptions.list_by_key(session, {key[:2] for key in keys})
    periods = stored_subscriptions.list_periods_by_key(session, keys)
    return [(subscriptions[key[:2]], periods[key]) for key in keys]


def count_followers(session: Session, which: FollowersOf) -> int:
    """How many there are in all."""
    count: int = session.execute(
        _COUNT_RUNNING if which.is_running else _COUNT_LAST, _values(which)
    ).scalar_one()
    return count


def _values(which: FollowersOf) -> dict[str, UUID | None]:
    return {
        "organization_id": which.organization_id,
        "plan_id": which.plan_id,
        "customer_id": which.customer_id,
    }


def _met(states: str) -> str:
    # A pinned subscription keeps its version, whatever becomes of the plan.
    return f"""
FROM subscription
CROSS JOIN LATERAL (
    SELECT tried.index FROM subscription_period AS tried
    WHERE tried.organization_id = subscription.organization_id
        AND tried.subscription_id = subscription.id AND tried.plan_id = :plan_id
        AND tried.status {states}
    ORDER BY tried.index DESC LIMIT 1
) AS period
WHERE subscription.organization_id = :organization_id AND subscription.plan_id = :plan_id
    AND {LIVE} AND subscription.version_policy = 'latest'
    AND subscription.customer_id = coalesce(CAST(:customer_id AS uuid), subscription.customer_id)"""  # noqa: S608  (put together out of constants)


def _list(states: str) -> TextClause:
    return text(
        f"SELECT subscription.id, period.index AS period_index {_met(states)}"
        " AND subscription.id > :after ORDER BY subscription.id LIMIT :limit"
    )


_RUNNING: Final = "= 'open'"
_OVER: Final = "NOT IN ('open', 'skipped')"

_LIST_RUNNING: Final = _list(_RUNNING)
_LIST_LAST: Final = _list(_OVER)
_COUNT_RUNNING: Final = text(f"SELECT count(*) {_met(_RUNNING)}")
_COUNT_LAST: Final = text(f"SELECT count(*) {_met(_OVER)}")
