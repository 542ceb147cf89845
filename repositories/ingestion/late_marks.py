"""Which final periods an event changes, marked in the transaction that stores the event.

One statement for events that arrive and for corrections of events: what it marks are all periods
whose amount *may* depend on the event; rating them again says whether it does
(docs/decisions/0005). It must name every such period, and too many cost only time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg import AsyncConnection
from sqlmodel import Session

from models.base import new_id
from repositories.array_text import array, quoted
from repositories.ingestion.writer import NewEvent
from repositories.invoicing.late_policy import MAY_SETTLE_ALONE
from repositories.outbox import WAKE_MESSAGE
from repositories.statement_text import compact
from repositories.usage.figures import CARRYING_A_TOTAL

Told = list[tuple[str, str]]
"""Organizations and subscriptions, as texts."""

_MARK_CHANGED: Final = compact(f"""
-- Where and when something changed; a batch may say so many times.
WITH event AS (
    SELECT DISTINCT organization_id, customer_id, meter_id, at
    FROM unnest(%(organizations)s::uuid[], %(customers)s::uuid[], %(meters)s::uuid[],
        %(timestamps)s::timestamptz[]) AS one(organization_id, customer_id, meter_id, at)
),
-- Final periods of the customer that end after the event and bill its meter.
candidate AS (
    SELECT event.*, subscription.id AS subscription_id, period.index, period.plan_id,
        period.starts_at,
        -- Periods older than their regular bounds begin with the first part of the same one.
        coalesce(period.regular_starts_at, (
            SELECT min(part.starts_at) FROM subscription_period AS part
            WHERE part.organization_id = period.organization_id
                AND part.subscription_id = period.subscription_id
                AND part.ordinal = period.ordinal AND part.anchor_at = period.anchor_at
        )) AS regular_starts_at
    FROM event
    JOIN subscription ON subscription.organization_id = event.organization_id
        AND subscription.customer_id = event.customer_id
    JOIN subscription_period AS period
        ON period.organization_id = subscription.organization_id
        AND period.subscription_id = subscription.id
        AND period.status = 'final' AND period.ends_at > event.at
    WHERE EXISTS (
        SELECT FROM charge WHERE charge.organization_id = period.organization_id
            AND charge.plan_id = period.plan_id AND charge.meter_id = event.meter_id
    )
),
-- Those among them whose amount may depend on the event, for one of three reasons.
changed AS (
    SELECT DISTINCT candidate.organization_id, candidate.subscription_id, candidate.index
    FROM candidate
    JOIN meter ON meter.organization_id = candidate.organization_id
        AND meter.id = candidate.meter_id
    WHERE
        -- Its own period, and later parts of a regular period that was cut: they share its
        -- allowance and its bounds.
        candidate.regular_starts_at <= candidate.at
        -- A level goes on for ever; the newest value until the next hour that has events.
        OR (meter.carry_forward AND (
            meter.aggregation_type IN {CARRYING_A_TOTAL}
            OR NOT EXISTS (
                SELECT FROM usage_rollup AS later
                WHERE later.organization_id = candidate.organization_id
                    AND later.meter_id = candidate.meter_id
                    AND later.customer_id = candidate.customer_id
                    AND later.hour > candidate.at
                    AND later.hour + interval '1 hour' <= candidate.starts_at
                    AND later.event_count > 0
            )
        ))
        -- Periods that share an allowance window with it, by any version of their plan.
        OR EXISTS (
            SELECT FROM plan_version AS version,
                jsonb_array_elements(version.terms -> 'features') AS feature
            WHERE version.organization_id = candidate.organization_id
                AND version.plan_id = candidate.plan_id
                AND feature ->> 'meter_id' = candidate.meter_id::text
                AND candidate.starts_at < candidate.at + CASE feature ->> 'usage_reset_period'
                    WHEN 'day' THEN interval '2 days'
                    WHEN 'week' THEN interval '8 days'
                    WHEN 'month' THEN interval '32 days'
                    WHEN 'quarter' THEN interval '93 days'
                    WHEN 'year' THEN interval '367 days'
                END
        )
),
-- A mark that waits stays as it is; one that a draft has taken up waits again.
marked AS (
    INSERT INTO late_usage_mark (organization_id, subscription_id, period_index, marked_at)
    SELECT organization_id, subscription_id, index, %(now)s FROM changed
    ORDER BY organization_id, subscription_id, index
    ON CONFLICT (organization_id, subscription_id, period_index)
        DO UPDATE SET draft_id = NULL, marked_at = excluded.marked_at
        WHERE late_usage_mark.draft_id IS NOT NULL
    RETURNING organization_id, subscription_id
)
-- Workflows that settle by themselves are woken; the others find the marks at their next bill.
SELECT DISTINCT marked.organization_id::text, marked.subscription_id::text
FROM marked
JOIN organization ON organization.id = marked.organization_id
JOIN subscription ON subscription.organization_id = marked.organization_id
    AND subscription.id = marked.subscription_id
WHERE {MAY_SETTLE_ALONE}
""")  # noqa: S608  (the condition is a constant)

_TELL: Final = """
INSERT INTO outbox_message (organization_id, id, kind, key, payload, created_at, available_at,
    attempts)
SELECT organization_id, id, %(kind)s, id::text,
    jsonb_build_object('subscription_id', subscription_id), %(now)s, %(now)s, 0
FROM unnest(%(organizations)s::uuid[], %(subscriptions)s::text[], %(ids)s::uuid[])
    AS one(organization_id, subscription_id, id)
"""


async def mark_changed_periods(
    connection: AsyncConnection, events: Sequence[NewEvent], *, now: datetime
) -> None:
    """Final periods that these stored events change are to be rated again, their workflows woken.

    Idempotent: a period is marked once.
    """
    keys = {
        "organizations": array([one.scope.organization for one in events]),
        "customers": array([one.scope.customer for one in events]),
        "meters": array([one.scope.meter for one in events]),
        "timestamps": array([quoted(one.timestamp.isoformat()) for one in events]),
        "now": now,
    }
    cursor = await connection.execute(_MARK_CHANGED, keys)
    told: Told = await cursor.fetchall()
    if told:
        await connection.execute(_TELL, _messages(told, now))


def mark_periods_changed_by(
    session: Session,
    organization_id: UUID,
    customer_id: UUID,
    meter_id: UUID,
    timestamp: datetime,
    *,
    now: datetime,
) -> None:
    """Final periods that a corrected event changes are to be rated again, their workflows woken.

    The one statement that :func:`mark_changed_periods` uses.
    """
    session.flush()
    keys = {
        "organizations": [organization_id],
        "customers": [customer_id],
        "meters": [meter_id],
        "timestamps": [timestamp],
        "now": now,
    }
    connection = session.connection()
    told: Told = [(row[0], row[1]) for row in connection.exec_driver_sql(_MARK_CHANGED, keys)]
    if told:
        connection.exec_driver_sql(_TELL, _messages(told, now))


def _messages(told: Told, now: datetime) -> dict[str, object]:
    return {
        "kind": WAKE_MESSAGE,
        "organizations": array([organization for organization, _ in told]),
        "subscriptions": array([subscription for _, subscription in told]),
        "ids": array([str(new_id()) for _ in told]),
        "now": now,
    }
