"""One statement for a repeated check: whether anything it was decided from changed, and the usage.

A mark is made of the places and writers of all rows that an answer was decided from. Whatever is
changed, added or taken away among them gives another mark.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from repositories.single_reads import read_rows

NEVER: Final = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


class WindowSums(NamedTuple):
    """A window to sum: whole hours between ragged edges. Without a meter there is nothing."""

    meter_id: UUID | None = None
    starts_at: datetime = NEVER
    first_hour: datetime = NEVER
    end_hour: datetime = NEVER
    ends_at: datetime = NEVER


class MarkedUsage(NamedTuple):
    """The mark of a check, and the usage of its window as the same statement sees it."""

    mark: str
    total: Decimal
    event_count: int


async def read_mark(
    connection: AsyncConnection,
    organization_id: UUID,
    customer: str,
    lookup_key: str,
    window: WindowSums,
) -> MarkedUsage | None:
    """The mark and the usage, or None if there is no such customer or feature."""
    rows: list[MarkedUsage] = await read_rows(
        connection,
        organization_id,
        _READ_MARK,
        {
            "external_id": customer,
            "id": _as_id(customer),
            "lookup_key": lookup_key,
            "meter": window.meter_id,
            "starts_at": window.starts_at,
            "first_hour": window.first_hour,
            "end_hour": window.end_hour,
            "ends_at": window.ends_at,
        },
        class_row(MarkedUsage),
    )
    return rows[0] if rows else None


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


_READ_MARK: Final = """
SELECT concat_ws(
        '/', customer.ctid, customer.xmin, clock.ctid, clock.xmin, feature.ctid, feature.xmin,
        meter.ctid, meter.xmin, live.mark
    ) AS mark,
    coalesce(hours.total, 0) + coalesce(edges.total, 0) AS total,
    coalesce(hours.event_count, 0) + coalesce(edges.event_count, 0) AS event_count
FROM (
    SELECT coalesce(
        (
            SELECT named.id FROM customer AS named
            WHERE named.organization_id = tenant.id AND named.id = %(id)s::uuid
                AND named.deleted_at IS NULL
        ),
        (
            SELECT named.id FROM customer AS named
            WHERE named.organization_id = tenant.id AND named.external_id = %(external_id)s
                AND named.deleted_at IS NULL
        )
    ) AS id
    OFFSET 0
) AS named
JOIN customer ON customer.organization_id = tenant.id AND customer.id = named.id
JOIN feature ON feature.organization_id = tenant.id AND feature.lookup_key = %(lookup_key)s
    AND feature.deleted_at IS NULL
LEFT JOIN meter ON meter.organization_id = tenant.id AND meter.id = feature.meter_id
LEFT JOIN test_clock AS clock ON clock.organization_id = tenant.id
    AND clock.id = customer.test_clock_id
CROSS JOIN LATERAL (
    SELECT string_agg(
        concat_ws(
            '/', subscription.ctid, subscription.xmin, plan.ctid, plan.xmin, next_plan.ctid,
            next_plan.xmin
        ),
        ',' ORDER BY subscription.id
    ) AS mark
    FROM subscription
    LEFT JOIN plan ON plan.organization_id = subscription.organization_id
        AND plan.id = subscription.plan_id
    LEFT JOIN plan AS next_plan ON next_plan.organization_id = subscription.organization_id
        AND next_plan.id = subscription.next_plan_id
    WHERE subscription.organization_id = tenant.id AND subscription.customer_id = customer.id
        AND subscription.deleted_at IS NULL AND subscription.status <> 'CANCELED'
) AS live
CROSS JOIN LATERAL (
    SELECT sum(usage_rollup.total) AS total, sum(usage_rollup.event_count)::bigint AS event_count
    FROM usage_rollup
    WHERE usage_rollup.organization_id = tenant.id AND usage_rollup.customer_id = customer.id
        AND usage_rollup.meter_id = %(meter)s::uuid
        AND usage_rollup.hour >= %(first_hour)s AND usage_rollup.hour < %(end_hour)s
) AS hours
CROSS JOIN LATERAL (
    SELECT sum(coalesce(correction.quantity, event.quantity)) AS total, count(*) AS event_count
    FROM (
        VALUES (%(starts_at)s::timestamptz, %(first_hour)s::timestamptz),
            (%(end_hour)s::timestamptz, %(ends_at)s::timestamptz)
    ) AS edge(starts_at, ends_at)
    JOIN usage_event AS event ON event.organization_id = tenant.id
        AND event.customer_id = customer.id AND event.meter_id = %(meter)s::uuid
        AND event.timestamp >= edge.starts_at AND event.timestamp < edge.ends_at
        AND event.counted AND NOT event.paused
    LEFT JOIN LATERAL (
        SELECT kind, quantity FROM usage_correction
        WHERE organization_id = tenant.id AND event_id = event.id
        ORDER BY arrival_sequence DESC LIMIT 1
    ) AS correction ON true
    WHERE correction.kind IS DISTINCT FROM 'void'
) AS edges"""
