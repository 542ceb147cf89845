"""Flags of arriving events: spans in which they are late or paused, and whether to look at all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from psycopg import AsyncConnection

from repositories.array_text import array
from repositories.ingestion.writer import NewEvent


class FlaggedSpans:
    """Flagged spans by customer and meter."""

    def __init__(self) -> None:
        self._spans: dict[tuple[str, str], list[tuple[str, datetime, datetime | None]]] = {}

    def __bool__(self) -> bool:
        return bool(self._spans)

    def add(
        self,
        flag: str,
        customer: str,
        meter: str,
        starts_at: datetime,
        ends_at: datetime | None,
    ) -> None:
        """The customer's events on the meter in this span, half-open, carry the flag."""
        self._spans.setdefault((customer, meter), []).append((flag, starts_at, ends_at))

    def flags_of(self, customer: str, meter: str, timestamp: datetime) -> frozenset[str]:
        """The flags of an event."""
        return frozenset(
            flag
            for flag, starts_at, ends_at in self._spans.get((customer, meter), ())
            if starts_at <= timestamp and (ends_at is None or timestamp < ends_at)
        )


class NeededChecks(NamedTuple):
    """What must be looked up for some events; for most nothing, and the batch asks no further."""

    has_flagged_spans: bool
    has_limits: bool
    has_alerts: bool


async def find_needed_checks(
    connection: AsyncConnection, events: Sequence[NewEvent]
) -> NeededChecks:
    """Whether spans are flagged that these events may lie in, meters limited, customers watched.

    Read after the arrival locks are held, so that no bill becomes final meanwhile.
    """
    keys = _keys_of(events) | {
        "meters": array({one.scope.meter for one in events}),
        "customers": array({one.scope.customer for one in events}),
    }
    cursor = await connection.execute(_FIND_NEEDED_CHECKS, keys)
    row = await cursor.fetchone()
    return NeededChecks(*row) if row is not None else NeededChecks(False, False, False)


async def find_flagged_spans(
    connection: AsyncConnection, events: Sequence[NewEvent]
) -> FlaggedSpans:
    """Where these events are ``late``, their period's bill being final, or ``paused``."""
    cursor = await connection.execute(
        _FIND_SPANS,
        _keys_of(events) | {"customers": array({one.scope.customer for one in events})},
    )
    spans = FlaggedSpans()
    async for row in cursor:
        spans.add(*row)
    return spans


def _keys_of(events: Sequence[NewEvent]) -> dict[str, object]:
    return {
        "organizations": array({one.scope.organization for one in events}),
        "first": min(one.timestamp for one in events),
        "last": max(one.timestamp for one in events),
    }


# Events that are on time end here: no bill that late is final, nothing is paused.
_FIND_NEEDED_CHECKS: Final = """
SELECT
    -- A bill that is final and ends after the first event, or a pause that meets them.
    bool_or(
        EXISTS (
            SELECT FROM subscription_period AS period
            WHERE period.organization_id = named.organization_id AND period.status = 'final'
                AND period.ends_at > %(first)s
        ) OR EXISTS (
            SELECT FROM subscription_pause AS pause
            WHERE pause.organization_id = named.organization_id
                AND pause.starts_at <= %(last)s
                AND (pause.ends_at IS NULL OR pause.ends_at > %(first)s)
        )
    ) AS has_flagged_spans,
    bool_or(
        EXISTS (
            SELECT FROM limited_meter
            WHERE limited_meter.organization_id = named.organization_id
                AND limited_meter.meter_id = ANY (%(meters)s::uuid[])
        )
    ) AS has_limits,
    -- Whoever has an alert, or a threshold, is looked at once these are stored.
    bool_or(
        EXISTS (
            SELECT FROM alert
            WHERE alert.organization_id = named.organization_id AND alert.deleted_at IS NULL
                AND alert.customer_id = ANY (%(customers)s::uuid[])
        ) OR EXISTS (
            SELECT FROM subscription
            WHERE subscription.organization_id = named.organization_id
                AND subscription.customer_id = ANY (%(customers)s::uuid[])
                AND subscription.threshold_amount IS NOT NULL
        )
    ) AS has_alerts
FROM unnest(%(organizations)s::uuid[]) AS named(organization_id)
"""

# A pause ends where it was planned to, also when its workflow comes to it late.
_FIND_SPANS: Final = """
-- Final periods that bill the meter, and end after the first of the events.
SELECT 'late', subscription.customer_id::text, charge.meter_id::text, period.starts_at,
    period.ends_at
FROM subscription
JOIN subscription_period AS period
    ON period.organization_id = subscription.organization_id
    AND period.subscription_id = subscription.id
JOIN charge ON charge.organization_id = period.organization_id
    AND charge.plan_id = period.plan_id AND charge.meter_id IS NOT NULL
WHERE subscription.organization_id = ANY (%(organizations)s::uuid[])
    AND subscription.customer_id = ANY (%(customers)s::uuid[])
    AND period.status = 'final'
    AND period.ends_at > %(first)s AND period.starts_at <= %(last)s
UNION
-- Pauses, of meters that the plan charges today; one that has no end yet has its planned one.
SELECT 'paused', subscription.customer_id::text, charge.meter_id::text, pause.starts_at,
    coalesce(pause.ends_at, subscription.resume_at)
FROM subscription
JOIN subscription_pause AS pause
    ON pause.organization_id = subscription.organization_id
    AND pause.subscription_id = subscription.id
JOIN charge ON charge.organization_id = subscription.organization_id
    AND charge.plan_id = subscription.plan_id AND charge.meter_id IS NOT NULL
WHERE subscription.organization_id = ANY (%(organizations)s::uuid[])
    AND subscription.customer_id = ANY (%(customers)s::uuid[])
    AND pause.starts_at <= %(last)s AND (pause.ends_at IS NULL OR pause.ends_at > %(first)s)
"""
