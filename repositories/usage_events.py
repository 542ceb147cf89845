"""The bulk writer of usage events: arrays in, one statement for identity, event and roll-up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from models.base import new_id
from models.usage_events import ARRIVAL_BLOCK
from repositories.usage import lock_key

MOST_ROWS: Final = ARRIVAL_BLOCK
"""Rows that one call may write: they are numbered from one draw of the arrival sequence."""


class MeterName(NamedTuple):
    """How an event names its meter: by its ``id``, its ``token`` or its ``name``."""

    organization_id: UUID
    kind: Literal["id", "token", "name"]
    value: str


class CustomerName(NamedTuple):
    """How an event names its customer: by ``id`` or by ``external_id``."""

    organization_id: UUID
    kind: Literal["id", "external_id"]
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterRow:
    """A meter as ingestion needs it. ``has_events`` says that its definition stands for ever."""

    organization_id: UUID
    id: UUID
    meter_name: str
    meter_token: UUID
    aggregation_type: str
    property_name: str | None
    filters: list[Any]
    has_events: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerRow:
    """A customer as ingestion needs it. ``clock_time`` is the present of a test clock."""

    organization_id: UUID
    id: UUID
    external_id: str | None
    clock_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """A row to write. ``key`` is its identity; an event without one goes by its own id."""

    organization_id: UUID
    id: UUID
    meter_id: UUID
    customer_id: UUID
    timestamp: datetime
    quantity: Decimal
    distinct_value: str | None
    meta_data: str | None
    idempotency_key: str | None
    content_hash: bytes
    counted: bool
    late: bool = False
    paused: bool = False

    @property
    def key(self) -> str:
        """What no other event of the organization goes by."""
        return self.idempotency_key if self.idempotency_key is not None else str(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """The event that goes by a key already."""

    organization_id: UUID
    idempotency_key: str
    event_id: UUID
    timestamp: datetime
    content_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as it was first recorded."""

    organization_id: UUID
    id: UUID
    customer_id: UUID
    meter_id: UUID
    quantity: Decimal
    timestamp: datetime
    meta_data: dict[str, Any] | None
    ingested_at: datetime


async def name_organizations(connection: AsyncConnection, organization_ids: Iterable[UUID]) -> None:
    """From here to the end of the transaction, row-level security shows these organizations."""
    names = "{" + ",".join(str(one) for one in organization_ids) + "}"
    await connection.execute("SELECT set_config('app.organizations', %s, true)", [names])


async def find_meters(
    connection: AsyncConnection, names: Iterable[MeterName], *, lock: bool = False
) -> dict[MeterName, MeterRow]:
    """The live meters of these names; with ``lock`` nobody edits them meanwhile."""
    wanted = list(names)
    async with connection.cursor(row_factory=class_row(MeterRow)) as cursor:
        await cursor.execute(
            _FIND_METERS + ("FOR SHARE OF meter" if lock else ""),
            {
                "organizations": array({str(one.organization_id) for one in wanted}),
                "ids": array(one.value for one in wanted if one.kind == "id"),
                "tokens": array(one.value for one in wanted if one.kind == "token"),
                "names": array(quoted(one.value) for one in wanted if one.kind == "name"),
            },
        )
        found = await cursor.fetchall()
    by_name: dict[MeterName, MeterRow] = {}
    for row in found:
        by_name[MeterName(row.organization_id, "id", str(row.id))] = row
        by_name[MeterName(row.organization_id, "token", str(row.meter_token))] = row
        by_name[MeterName(row.organization_id, "name", row.meter_name)] = row
    return {name: by_name[name] for name in wanted if name in by_name}


async def find_customers(
    connection: AsyncConnection, names: Iterable[CustomerName]
) -> dict[CustomerName, CustomerRow]:
    """The live customers of these names."""
    wanted = list(names)
    async with connection.cursor(row_factory=class_row(CustomerRow)) as cursor:
        await cursor.execute(
            _FIND_CUSTOMERS,
            {
                "organizations": array({str(one.organization_id) for one in wanted}),
                "ids": array(one.value for one in wanted if one.kind == "id"),
                "external_ids": array(
                    quoted(one.value) for one in wanted if one.kind == "external_id"
                ),
            },
        )
        found = await cursor.fetchall()
    by_name = {CustomerName(row.organization_id, "id", str(row.id)): row for row in found}
    for row in found:
        if row.external_id is not None:
            by_name[CustomerName(row.organization_id, "external_id", row.external_id)] = row
    return {name: by_name[name] for name in wanted if name in by_name}


async def insert_customers(
    connection: AsyncConnection, names: Iterable[CustomerName], *, now: datetime
) -> None:
    """Customers of these external ids exist where the organization creates customers by itself.

    Idempotent by the external id.
    """
    ordered = sorted(names, key=lambda one: (one.organization_id.bytes, one.value))
    await connection.execute(
        _INSERT_CUSTOMERS,
        {
            "organizations": array(str(one.organization_id) for one in ordered),
            "ids": array(str(new_id()) for _ in ordered),
            "external_ids": array(quoted(one.value) for one in ordered),
            "now": now,
        },
    )


async def share_arrivals(
    connection: AsyncConnection, customers: Iterable[tuple[UUID, UUID]]
) -> None:
    """No bill of these customers is measured until the transaction ends.

    Precedes the statement that draws an arrival sequence (DESIGN data rule 7).
    """
    keys = sorted({lock_key(organization_id, one) for organization_id, one in customers})
    await connection.execute(_SHARE_ARRIVALS, [array(str(key) for key in keys)])


async def insert_events(
    connection: AsyncConnection, events: Sequence[NewEvent], *, now: datetime
) -> set[UUID]:
    """The events whose key was free are stored and rolled up; gives their ids.

    Idempotent by organization and key. The order of ``events`` is the order of their arrival.
    """
    cursor = await connection.execute(_INSERT_EVENTS, _columns(events, now))
    return {row[0] for row in await cursor.fetchall()}


async def find_keys(
    connection: AsyncConnection, keys: Sequence[tuple[UUID, str]]
) -> dict[tuple[UUID, str], KnownKey]:
    """The events that go by these keys of their organizations."""
    async with connection.cursor(row_factory=class_row(KnownKey)) as cursor:
        await cursor.execute(
            _FIND_KEYS,
            {
                "organizations": array(str(one) for one, _ in keys),
                "keys": array(quoted(key) for _, key in keys),
            },
        )
        return {(row.organization_id, row.idempotency_key): row async for row in cursor}


async def find_events(
    connection: AsyncConnection, known: Sequence[KnownKey]
) -> dict[UUID, StoredEvent]:
    """The rows of events that are known by their keys."""
    async with connection.cursor(row_factory=class_row(StoredEvent)) as cursor:
        await cursor.execute(
            _FIND_EVENTS,
            {
                "organizations": array(str(one.organization_id) for one in known),
                "timestamps": array(f'"{one.timestamp.isoformat()}"' for one in known),
                "ids": array(str(one.event_id) for one in known),
            },
        )
        return {row.id: row async for row in cursor}


def array(elements: Iterable[str]) -> str:
    """A PostgreSQL array out of texts that need no quotes or have them."""
    return "{" + ",".join(elements) + "}"


def quoted(element: str) -> str:
    """A text as an element of a PostgreSQL array."""
    return '"' + element.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _optional(element: str | None) -> str:
    return "NULL" if element is None else quoted(element)


def _columns(events: Sequence[NewEvent], now: datetime) -> dict[str, object]:
    return {
        "organizations": array(str(one.organization_id) for one in events),
        "ids": array(str(one.id) for one in events),
        "meters": array(str(one.meter_id) for one in events),
        "customers": array(str(one.customer_id) for one in events),
        "timestamps": array(f'"{one.timestamp.isoformat()}"' for one in events),
        "quantities": array(format(one.quantity, "f") for one in events),
        "distinct_values": array(_optional(one.distinct_value) for one in events),
        "meta_data": array(_optional(one.meta_data) for one in events),
        "keys": array(quoted(one.key) for one in events),
        "has_key": array("f" if one.idempotency_key is None else "t" for one in events),
        "hashes": array(one.content_hash.hex() for one in events),
        "counted": array("t" if one.counted else "f" for one in events),
        "late": array("t" if one.late else "f" for one in events),
        "paused": array("t" if one.paused else "f" for one in events),
        "now": now,
    }


_FIND_METERS: Final = """
SELECT meter.organization_id, meter.id, meter.meter_name, meter.meter_token,
    meter.aggregation_type, meter.property_name, meter.filters,
    EXISTS (
        SELECT FROM usage_rollup
        WHERE usage_rollup.organization_id = meter.organization_id
            AND usage_rollup.meter_id = meter.id
    ) AS has_events
FROM meter
WHERE meter.organization_id = ANY (%(organizations)s::uuid[]) AND meter.deleted_at IS NULL
    AND (
        meter.id = ANY (%(ids)s::uuid[])
        OR meter.meter_token = ANY (%(tokens)s::uuid[])
        OR meter.meter_name = ANY (%(names)s::text[])
    )
"""

_FIND_CUSTOMERS: Final = """
SELECT customer.organization_id, customer.id, customer.external_id,
    coalesce(test_clock.target_time, test_clock.frozen_time) AS clock_time
FROM customer
LEFT JOIN test_clock ON test_clock.organization_id = customer.organization_id
    AND test_clock.id = customer.test_clock_id
WHERE customer.organization_id = ANY (%(organizations)s::uuid[]) AND customer.deleted_at IS NULL
    AND (
        customer.id = ANY (%(ids)s::uuid[])
        OR customer.external_id = ANY (%(external_ids)s::text[])
    )
"""

_INSERT_CUSTOMERS: Final = """
INSERT INTO customer (organization_id, id, name, external_id, created_at, updated_at)
SELECT named.organization_id, named.id, named.external_id, named.external_id, %(now)s, %(now)s
FROM unnest(%(organizations)s::uuid[], %(ids)s::uuid[], %(external_ids)s::text[])
    WITH ORDINALITY AS named(organization_id, id, external_id, place)
JOIN organization ON organization.id = named.organization_id AND organization.auto_create_customers
ORDER BY named.place
ON CONFLICT (organization_id, external_id) WHERE deleted_at IS NULL DO NOTHING
"""

_SHARE_ARRIVALS: Final = """
SELECT count(pg_advisory_xact_lock_shared(key))
FROM (SELECT key FROM unnest(%s::bigint[]) AS key ORDER BY key) AS ordered
"""

_INSERT_EVENTS: Final = """
WITH drawn AS MATERIALIZED (
    SELECT nextval('usage_arrival_sequence') AS first
),
arrived AS MATERIALIZED (
    SELECT arrived.*, date_bin('1 hour', timestamp, timestamptz '2000-01-01Z') AS hour,
        counted AND NOT paused AS counts
    FROM unnest(
        %(organizations)s::uuid[], %(ids)s::uuid[], %(meters)s::uuid[], %(customers)s::uuid[],
        %(timestamps)s::timestamptz[], %(quantities)s::numeric[], %(distinct_values)s::text[],
        %(meta_data)s::text[], %(keys)s::text[], %(has_key)s::boolean[], %(hashes)s::text[],
        %(counted)s::boolean[], %(late)s::boolean[], %(paused)s::boolean[]
    ) WITH ORDINALITY AS arrived(
        organization_id, id, meter_id, customer_id, timestamp, quantity, distinct_value,
        meta_data, key, has_key, content_hash, counted, late, paused, place
    )
),
identified AS (
    INSERT INTO usage_event_key AS known
        (organization_id, idempotency_key, event_id, timestamp, content_hash)
    SELECT organization_id, key, id, timestamp, decode(content_hash, 'hex')
    FROM arrived ORDER BY organization_id, key, place
    ON CONFLICT (organization_id, idempotency_key) DO NOTHING
    RETURNING known.event_id
),
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
        meta_data::jsonb, CASE WHEN has_key THEN key END, arrival_sequence, counted, late, paused,
        %(now)s
    FROM fresh
    ORDER BY organization_id, customer_id, meter_id, timestamp
),
rolled AS (
    INSERT INTO usage_rollup AS held (
        organization_id, customer_id, meter_id, hour, recorded_count, event_count, total,
        minimum, maximum, last_value, last_at, last_sequence, weighted_total
    )
    SELECT organization_id, customer_id, meter_id, hour, count(*),
        count(*) FILTER (WHERE counts),
        coalesce(sum(quantity) FILTER (WHERE counts), 0),
        min(quantity) FILTER (WHERE counts),
        max(quantity) FILTER (WHERE counts),
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
    ON CONFLICT (organization_id, customer_id, meter_id, hour) DO UPDATE SET
        recorded_count = held.recorded_count + excluded.recorded_count,
        event_count = held.event_count + excluded.event_count,
        total = held.total + excluded.total,
        minimum = least(held.minimum, excluded.minimum),
        maximum = greatest(held.maximum, excluded.maximum),
        last_value = CASE WHEN (excluded.last_at, excluded.last_sequence)
                <= (held.last_at, held.last_sequence) OR excluded.last_at IS NULL
            THEN held.last_value ELSE excluded.last_value END,
        last_at = greatest(held.last_at, excluded.last_at),
        last_sequence = CASE WHEN (excluded.last_at, excluded.last_sequence)
                <= (held.last_at, held.last_sequence) OR excluded.last_at IS NULL
            THEN held.last_sequence ELSE excluded.last_sequence END,
        weighted_total = held.weighted_total + excluded.weighted_total
),
distinguished AS (
    INSERT INTO usage_distinct (organization_id, customer_id, meter_id, hour, value_hash)
    SELECT DISTINCT organization_id, customer_id, meter_id, hour,
        sha256(convert_to(distinct_value, 'UTF8')) AS value_hash
    FROM fresh WHERE distinct_value IS NOT NULL AND counts
    ORDER BY organization_id, customer_id, meter_id, hour, value_hash
    ON CONFLICT DO NOTHING
)
SELECT event_id FROM identified
"""

_FIND_KEYS: Final = """
SELECT known.* FROM usage_event_key AS known
JOIN unnest(%(organizations)s::uuid[], %(keys)s::text[]) AS named(organization_id, key)
    ON known.organization_id = named.organization_id AND known.idempotency_key = named.key
"""

_FIND_EVENTS: Final = """
SELECT event.organization_id, event.id, event.customer_id, event.meter_id, event.quantity,
    event.timestamp, event.meta_data, event.ingested_at
FROM unnest(%(organizations)s::uuid[], %(timestamps)s::timestamptz[], %(ids)s::uuid[])
    AS named(organization_id, timestamp, id)
JOIN usage_event AS event ON event.organization_id = named.organization_id
    AND event.timestamp = named.timestamp AND event.id = named.id
"""
