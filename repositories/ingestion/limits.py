"""Limits on arriving usage: whose features limit it, and how much is used already.

All of it runs inside the transaction of ingestion, which may carry several organizations.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from models.subscriptions.states import LIVE
from repositories.array_text import array, quoted
from repositories.catalog.versions import PERIOD_AND_PLAN
from repositories.entitlements.subscribers import SUBSCRIPTION_COLUMNS, LiveSubscription
from repositories.ingestion.writer import EventScope
from repositories.statement_text import compact
from repositories.usage.counted_events import COUNTS, QUANTITY, latest_corrections

VersionKey = tuple[UUID, UUID, int]
"""Organization, plan and version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeSubscription:
    """A live subscription of a customer whose usage of a meter may be limited.

    ``clock_time`` is the present of the test clock that the customer lives on, if any.
    """

    organization: str
    meter: str
    customer: str
    aggregation_type: str
    carry_forward: bool
    clock_time: datetime | None
    subscription: LiveSubscription


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowPart:
    """A part of the window at ``place`` whose usage is to be summed, half-open."""

    place: int
    organization: str
    meter: str
    customer: str
    starts_at: datetime
    ends_at: datetime
    is_whole_hours: bool


class PartSum(NamedTuple):
    """What the part of the window at ``place`` comes to."""

    place: int
    total: Decimal
    event_count: int


async def find_limited(
    connection: AsyncConnection, scopes: Iterable[EventScope]
) -> list[ScopeSubscription]:
    """The live subscriptions of the customers, for each meter that any plan limits."""
    wanted = list(scopes)
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(
            _FIND_LIMITED,
            {
                "organizations": array([one.organization for one in wanted]),
                "meters": array([one.meter for one in wanted]),
                "customers": array([one.customer for one in wanted]),
            },
        )
        return [_to_scope_subscription(row) for row in await cursor.fetchall()]


async def list_terms(
    connection: AsyncConnection, versions: Iterable[VersionKey]
) -> dict[VersionKey, Any]:
    """The documents of these versions of plans."""
    wanted = list(versions)
    cursor = await connection.execute(
        _LIST_TERMS,
        {
            "organizations": [key[0] for key in wanted],
            "plans": [key[1] for key in wanted],
            "versions": [key[2] for key in wanted],
        },
    )
    return {(row[0], row[1], row[2]): row[3] for row in await cursor.fetchall()}


async def sum_parts(connection: AsyncConnection, parts: Sequence[WindowPart]) -> list[PartSum]:
    """What every part comes to: of whole hours from roll-ups, of others from raw events."""
    found: list[PartSum] = []
    for statement, chosen in (
        (_SUM_HOURS, [one for one in parts if one.is_whole_hours]),
        (_SUM_EDGES, [one for one in parts if not one.is_whole_hours]),
    ):
        if chosen:
            cursor = await connection.execute(statement, _part_columns(chosen))
            found += [PartSum(*row) for row in await cursor.fetchall()]
    return found


def _part_columns(parts: Sequence[WindowPart]) -> dict[str, object]:
    return {
        "places": array([str(one.place) for one in parts]),
        "organizations": array([one.organization for one in parts]),
        "customers": array([one.customer for one in parts]),
        "meters": array([one.meter for one in parts]),
        "starts": array([quoted(one.starts_at.isoformat()) for one in parts]),
        "ends": array([quoted(one.ends_at.isoformat()) for one in parts]),
    }


_SCOPE_COLUMNS: Final = frozenset(
    {"organization", "meter", "customer", "aggregation_type", "carry_forward", "clock_time"}
)


def _to_scope_subscription(row: dict[str, Any]) -> ScopeSubscription:
    return ScopeSubscription(
        **{name: value for name, value in row.items() if name in _SCOPE_COLUMNS},
        subscription=LiveSubscription(
            **{name: value for name, value in row.items() if name not in _SCOPE_COLUMNS}
        ),
    )


_FIND_LIMITED: Final = compact(f"""
-- Whose usage of what arrives.
WITH scope AS MATERIALIZED (
    SELECT * FROM unnest(
        %(organizations)s::uuid[], %(meters)s::uuid[], %(customers)s::uuid[]
    ) AS scope(organization_id, meter_id, customer_id)
),
-- Meters that no plan limits, which are most, are asked about once, whatever their customers.
limited AS MATERIALIZED (
    SELECT named.organization_id, named.meter_id
    FROM (SELECT DISTINCT organization_id, meter_id FROM scope) AS named
    JOIN limited_meter ON limited_meter.organization_id = named.organization_id
        AND limited_meter.meter_id = named.meter_id
)
-- Every live subscription with the versions that it is and will be billed by: which of their
-- features limit the meter is said by the documents, which are cached elsewhere.
SELECT scope.organization_id::text AS organization, scope.meter_id::text AS meter,
    scope.customer_id::text AS customer, meter.aggregation_type, meter.carry_forward,
    coalesce(clock.target_time, clock.frozen_time) AS clock_time,
    {SUBSCRIPTION_COLUMNS}
FROM limited
JOIN scope ON scope.organization_id = limited.organization_id
    AND scope.meter_id = limited.meter_id
JOIN meter ON meter.organization_id = scope.organization_id AND meter.id = scope.meter_id
JOIN subscription ON subscription.organization_id = scope.organization_id
    AND subscription.customer_id = scope.customer_id
    AND {LIVE}
{PERIOD_AND_PLAN}
LEFT JOIN test_clock AS clock ON clock.organization_id = subscription.organization_id
    AND clock.id = subscription.test_clock_id
ORDER BY subscription.created_at, subscription.id""")  # noqa: S608  (put together out of constants)

_LIST_TERMS: Final = """
SELECT organization_id, plan_id, version, terms FROM plan_version
WHERE (organization_id, plan_id, version) IN (
    SELECT * FROM unnest(%(organizations)s::uuid[], %(plans)s::uuid[], %(versions)s::integer[])
)"""

_NAMED_PARTS: Final = """
unnest(
    %(places)s::integer[], %(organizations)s::uuid[], %(customers)s::uuid[], %(meters)s::uuid[],
    %(starts)s::timestamptz[], %(ends)s::timestamptz[]
) AS part(place, organization_id, customer_id, meter_id, starts_at, ends_at)"""

_SUM_HOURS: Final = f"""
SELECT part.place, found.total, found.event_count
FROM {_NAMED_PARTS}
CROSS JOIN LATERAL (
    SELECT coalesce(sum(total), 0) AS total, coalesce(sum(event_count), 0)::bigint AS event_count
    FROM usage_rollup
    WHERE organization_id = part.organization_id AND customer_id = part.customer_id
        AND meter_id = part.meter_id AND hour >= part.starts_at AND hour < part.ends_at
) AS found"""  # noqa: S608  (put together out of constants)

_CORRECTIONS_OF_PART: Final = latest_corrections(
    "made.organization_id = part.organization_id AND made.customer_id = part.customer_id"
    " AND made.meter_id = part.meter_id"
    " AND made.timestamp >= part.starts_at AND made.timestamp < part.ends_at"
)

_SUM_EDGES: Final = f"""
SELECT part.place, found.total, found.event_count
FROM {_NAMED_PARTS}
CROSS JOIN LATERAL (
    SELECT coalesce(sum({QUANTITY}), 0) AS total, count(*) AS event_count
    FROM usage_event AS event
    LEFT JOIN {_CORRECTIONS_OF_PART} AS correction ON correction.event_id = event.id
    WHERE event.organization_id = part.organization_id AND event.customer_id = part.customer_id
        AND event.meter_id = part.meter_id
        AND event.timestamp >= part.starts_at AND event.timestamp < part.ends_at
        AND {COUNTS}
) AS found"""  # noqa: S608  (put together out of constants)
