"""Alerts that arriving usage may reach: whoever looks at them is told in the same transaction."""

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
SELECT watched.organization_id, gen_random_uuid(), 'alert',
    watched.customer_id || '/' || gen_random_uuid(),
    jsonb_build_object('customer_id', watched.customer_id), %(now)s, %(now)s, 0
FROM (
    SELECT DISTINCT alert.organization_id, alert.customer_id
    FROM unnest(%(organizations)s::uuid[], %(customers)s::uuid[])
        AS named(organization_id, customer_id)
    JOIN alert ON alert.organization_id = named.organization_id
        AND alert.customer_id = named.customer_id AND alert.deleted_at IS NULL
) AS watched
"""


async def wake_alerts(
    connection: AsyncConnection, events: Iterable[NewEvent], *, now: datetime
) -> None:
    """Somebody looks at the alerts of the customers of these events, which are stored."""
    named = list({(one.scope.organization, one.scope.customer) for one in events})
    if named:
        keys = {
            "organizations": array([organization for organization, _ in named]),
            "customers": array([customer for _, customer in named]),
            "now": now,
        }
        await connection.execute(_WAKE, keys)
