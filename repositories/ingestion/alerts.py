"""Alerts and thresholds that arriving usage may reach: whoever looks is told with its commit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from psycopg import AsyncConnection

from repositories.array_text import array
from repositories.ingestion.writer import NewEvent

# Each its own: one that is read already says nothing of what came after it.
_WAKE: Final = """
INSERT INTO outbox_message
    (organization_id, id, kind, key, payload, created_at, available_at, attempts)
SELECT watched.organization_id, gen_random_uuid(), watched.kind,
    watched.id || '/' || gen_random_uuid(),
    jsonb_build_object(watched.name, watched.id), %(now)s, %(now)s, 0
FROM (
    WITH named AS (
        SELECT * FROM unnest(%(organizations)s::uuid[], %(customers)s::uuid[])
            AS asked (organization_id, customer_id)
    )
    -- Alerts, which are looked at together for each customer.
    SELECT DISTINCT alert.organization_id, 'alert' AS kind, 'customer_id' AS name,
        alert.customer_id AS id
    FROM named
    JOIN alert ON alert.organization_id = named.organization_id
        AND alert.customer_id = named.customer_id AND alert.deleted_at IS NULL
    UNION ALL
    -- Periods that are billed as they run.
    SELECT subscription.organization_id, 'threshold', 'subscription_id', subscription.id
    FROM named
    JOIN subscription ON subscription.organization_id = named.organization_id
        AND subscription.customer_id = named.customer_id
        AND subscription.threshold_amount IS NOT NULL AND subscription.ended_at IS NULL
        AND subscription.deleted_at IS NULL
) AS watched
"""


async def wake_alerts(
    connection: AsyncConnection, events: Iterable[NewEvent], *, now: datetime
) -> None:
    """Somebody looks at what watches the customers of these events, which are stored."""
    named = list({(one.scope.organization, one.scope.customer) for one in events})
    if named:
        keys = {
            "organizations": array([organization for organization, _ in named]),
            "customers": array([customer for _, customer in named]),
            "now": now,
        }
        await connection.execute(_WAKE, keys)
