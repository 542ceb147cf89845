"""The bulk writer of usage events: arrays in, one statement for identity, event and roll-up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import class_row

from repositories.array_text import array, optional, quoted
from repositories.statement_text import compact
from repositories.usage.arrival_locks import LOCK_BUCKETS, lock_key_of_bucket
from repositories.usage.figures import Figure, listed, names
from repositories.usage.properties.groups import ROLL_UP


class EventScope:
    """Whose events on what: the ids, as text, of organization, meter and customer."""

    __slots__ = ("customer", "meter", "organization")

    def __init__(self, organization: str, meter: str, customer: str) -> None:
        self.organization = organization
        self.meter = meter
        self.customer = customer


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A row to write. ``content_hash`` is in hex; ``flags`` are counted, late and paused."""

    scope: EventScope
    id: str
    timestamp: datetime
    quantity: str
    distinct_value: str | None
    meta_data: str | None
    idempotency_key: str | None
    content_hash: str
    counted: bool
    late: bool = False
    paused: bool = False

    @property
    def key(self) -> str:
        """What no other event of the organization goes by; without a key that is the id."""
        return self.id if self.idempotency_key is None else self.idempotency_key

    @property
    def counts(self) -> bool:
        """Whether it counts, as ``repositories.usage.counted_events`` says of stored ones."""
        return self.counted and not self.paused

    @property
    def identity(self) -> tuple[str, str]:
        """The organization and the key."""
        return self.scope.organization, self.key


class StoredKey(NamedTuple):
    """The event that goes by a key already. Ids are texts, ``content_hash`` is in hex."""

    organization: str
    idempotency_key: str
    event_id: str
    timestamp: datetime
    content_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as it was first recorded, in the texts that its callers are shown."""

    id: str
    customer_id: str
    meter_id: str
    quantity: str
    timestamp: datetime
    meta_data: dict[str, Any] | None
    ingested_at: datetime
    counted: bool
    late: bool
    paused: bool


async def share_arrivals(connection: AsyncConnection, scopes: Iterable[EventScope]) -> None:
    """No bill of these customers is measured until the transaction ends.

    Precedes the statement that draws an arrival sequence (docs/decisions/0010).
    """
    buckets = {(scope.organization, scope.customer[-2:]) for scope in scopes}
    keys = sorted({_lock_key(*bucket) for bucket in buckets})
    await connection.execute(_SHARE_ARRIVALS, [array([str(key) for key in keys])])


async def insert_events(
    connection: AsyncConnection, events: Sequence[NewEvent], *, now: datetime
) -> int:
    """The events whose key was free are stored and rolled up; gives how many that were.

    At most 32,768 at once. Idempotent by organization and key. The order of ``events`` is the
    order of their arrival.
    """
    cursor = await connection.execute(_INSERT_EVENTS, _columns(events, now))
    row = await cursor.fetchone()
    return row[0] if row is not None else 0


async def find_keys(
    connection: AsyncConnection, identities: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], StoredKey]:
    """The events that go by these keys of their organizations."""
    cursor = await connection.execute(
        _FIND_KEYS,
        {
            "organizations": array([one for one, _ in identities]),
            "keys": array([quoted(key) for _, key in identities]),
        },
    )
    return {(row[0], row[1]): StoredKey(*row) for row in await cursor.fetchall()}


async def find_events(
    connection: AsyncConnection, known: Sequence[StoredKey]
) -> dict[str, StoredEvent]:
    """The rows of events that are known by their keys."""
    async with connection.cursor(row_factory=class_row(StoredEvent)) as cursor:
        await cursor.execute(
            _FIND_EVENTS,
            {
                "organizations": array([one.organization for one in known]),
                "timestamps": array([f'"{one.timestamp.isoformat()}"' for one in known]),
                "ids": array([one.event_id for one in known]),
            },
        )
        return {row.id: row async for row in cursor}


@lru_cache(maxsize=65_536)
def _lock_key(organization: str, customer_end: str) -> int:
    return lock_key_of_bucket(UUID(organization), int(customer_end, 16) % LOCK_BUCKETS)


def _columns(events: Sequence[NewEvent], now: datetime) -> dict[str, object]:
    return {
        "organizations": array([one.scope.organization for one in events]),
        "ids": array([one.id for one in events]),
        "meters": array([one.scope.meter for one in events]),
        "customers": array([one.scope.customer for one in events]),
        "timestamps": array([f'"{one.timestamp.isoformat()}"' for one in events]),
        "quantities": array([one.quantity for one in events]),
        "distinct_values": array([optional(one.distinct_value) for one in events]),
        "meta_data": array([optional(one.meta_data) for one in events]),
        "keys": array([optional(one.idempotency_key) for one in events]),
        "hashes": array([one.content_hash for one in events]),
        "counted": array(["t" if one.counted else "f" for one in events]),
        "late": array(["t" if one.late else "f" for one in events]),
        "paused": array(["t" if one.paused else "f" for one in events]),
        "now": now,
    }


_SHARE_ARRIVALS: Final = """
SELECT count(pg_advisory_xact_lock_shared(key))
FROM (SELECT key FROM unnest(%s::bigint[]) AS key ORDER BY key) AS ordered
"""

_INSERT_EVENTS: Final = compact(
    f"""
-- One number for the whole transaction: its rows are numbered up from it.
WITH drawn AS MATERIALIZED (
    SELECT nextval('usage_arrival_sequence') AS first
),
-- What came, in the order that it came in; an event without a key goes by its id.
arrived AS MATERIALIZED (
    SELECT arrived.*, date_bin('1 hour', timestamp, timestamptz '2000-01-01Z') AS hour,
        counted AND NOT paused AS counts, coalesce(idempotency_key, id::text) AS key
    FROM unnest(
        %(organizations)s::uuid[], %(ids)s::uuid[], %(meters)s::uuid[], %(customers)s::uuid[],
        %(timestamps)s::timestamptz[], %(quantities)s::numeric[], %(distinct_values)s::text[],
        %(meta_data)s::text[], %(keys)s::text[], %(hashes)s::text[],
        %(counted)s::boolean[], %(late)s::boolean[], %(paused)s::boolean[]
    ) WITH ORDINALITY AS arrived(
        organization_id, id, meter_id, customer_id, timestamp, quantity, distinct_value,
        meta_data, idempotency_key, content_hash, counted, late, paused, place
    )
),
-- Whose key was free. Keys are taken in one order, so that two batches cannot wait for each other;
-- of a key that comes twice in a batch the first one takes it.
identified AS (
    INSERT INTO usage_event_key AS known
        (organization_id, idempotency_key, event_id, timestamp, content_hash)
    SELECT organization_id, key, id, timestamp, decode(content_hash, 'hex')
    FROM arrived ORDER BY organization_id, key COLLATE "C", place
    ON CONFLICT (organization_id, idempotency_key) DO NOTHING
    RETURNING known.event_id
),
-- Only those are stored and rolled up: what was known already changes nothing below.
fresh AS MATERIALIZED (
    SELECT arrived.*, drawn.first + arrived.place - 1 AS arrival_sequence
    FROM arrived JOIN identified ON identified.event_id = arrived.id CROSS JOIN drawn
),
stored AS (
    INSERT INTO usage_event (
        organization_id, timestamp, id, meter_id, customer_id, quantity, distinct_value,
        meta_data, idempotency_key, arrival_sequence, counted, late, paused, ingested_at
    )
    SELECT organization_id, timestamp, id, meter_id, customer_id, quantity, distinct_value,
        meta_data::jsonb, idempotency_key, arrival_sequence, counted, late, paused,
        %(now)s
    FROM fresh
    ORDER BY organization_id, customer_id, meter_id, timestamp
),
-- Hours of customers, sorted for the same reason. An event that does not count is recorded there.
rolled AS (
    INSERT INTO usage_rollup AS held (
        organization_id, customer_id, meter_id, hour, recorded_count, event_count,
        {names()}, last_value, last_at, last_sequence, weighted_total
    )
    SELECT organization_id, customer_id, meter_id, hour, count(*),
        count(*) FILTER (WHERE counts),
        {listed(Figure.of_counted_events)},
        (array_agg(quantity ORDER BY timestamp DESC, place DESC) FILTER (WHERE counts))[1],
        max(timestamp) FILTER (WHERE counts),
        (array_agg(arrival_sequence ORDER BY timestamp DESC, place DESC) FILTER (WHERE counts))[1],
        coalesce(
            sum(quantity * (3600 - extract(epoch FROM timestamp - hour)) * 1000000)
                FILTER (WHERE counts),
            0
        )
    FROM fresh
    GROUP BY organization_id, customer_id, meter_id, hour
    ORDER BY organization_id, customer_id, meter_id, hour
    -- The newest value stays unless a later instant comes, or the same one by a later arrival.
    ON CONFLICT (organization_id, customer_id, meter_id, hour) DO UPDATE SET
        recorded_count = held.recorded_count + excluded.recorded_count,
        event_count = held.event_count + excluded.event_count,
        {listed(Figure.merged)},
        last_value = CASE WHEN (excluded.last_at, excluded.last_sequence)
                <= (held.last_at, held.last_sequence) OR excluded.last_at IS NULL
            THEN held.last_value ELSE excluded.last_value END,
        last_at = greatest(held.last_at, excluded.last_at),
        last_sequence = CASE WHEN (excluded.last_at, excluded.last_sequence)
                <= (held.last_at, held.last_sequence) OR excluded.last_at IS NULL
            THEN held.last_sequence ELSE excluded.last_sequence END,
        weighted_total = held.weighted_total + excluded.weighted_total
),
-- Each value of an hour once, as a fingerprint: values may be long and personal.
distinguished AS (
    INSERT INTO usage_distinct (organization_id, customer_id, meter_id, hour, value_hash)
    SELECT DISTINCT organization_id, customer_id, meter_id, hour,
        sha256(convert_to(distinct_value, 'UTF8')) AS value_hash
    FROM fresh WHERE distinct_value IS NOT NULL AND counts
    ORDER BY organization_id, customer_id, meter_id, hour, value_hash
    ON CONFLICT DO NOTHING
),
-- The groups that prices tell apart, of meters that have any.
grouped AS ({ROLL_UP}
)
SELECT count(*) FROM identified
""",  # noqa: S608  (put together out of constants)
)

_FIND_KEYS: Final = """
SELECT known.organization_id::text, known.idempotency_key, known.event_id::text, known.timestamp,
    encode(known.content_hash, 'hex')
FROM usage_event_key AS known
JOIN unnest(%(organizations)s::uuid[], %(keys)s::text[]) AS named(organization_id, key)
    ON known.organization_id = named.organization_id AND known.idempotency_key = named.key
"""

_FIND_EVENTS: Final = """
SELECT event.id::text, event.customer_id::text, event.meter_id::text, event.quantity::text,
    event.timestamp, event.meta_data, event.ingested_at, event.counted, event.late, event.paused
FROM unnest(%(organizations)s::uuid[], %(timestamps)s::timestamptz[], %(ids)s::uuid[])
    AS named(organization_id, timestamp, id)
JOIN usage_event AS event ON event.organization_id = named.organization_id
    AND event.timestamp = named.timestamp AND event.id = named.id
"""
