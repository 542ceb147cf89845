"""The bulk writer of usage events: arrays in, counts out."""

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
from repositories.ingestion.insertion import INSERT_EVENTS
from repositories.ingestion.needed_checks import NeededChecks
from repositories.usage.arrival_locks import LOCK_BUCKETS, lock_key_of_bucket


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
    count, _ = await _insert(connection, events, now, is_looked_up=True)
    return count


async def insert_plain_events(
    connection: AsyncConnection, events: Sequence[NewEvent], *, now: datetime
) -> int | NeededChecks:
    """As :func:`insert_events`, unless something must be looked up first: then that, and no more.

    What must be is read after the arrival locks are held, so that no bill becomes final meanwhile,
    and in the statement that stores, so that it costs no wait of its own.
    """
    count, needed = await _insert(connection, events, now, is_looked_up=False)
    return needed if any(needed) else count


async def _insert(
    connection: AsyncConnection, events: Sequence[NewEvent], now: datetime, *, is_looked_up: bool
) -> tuple[int, NeededChecks]:
    columns = columns_of(events, now=now, is_looked_up=is_looked_up)
    cursor = await INSERT_EVENTS.execute(connection, columns)
    [(count, *needed)] = await cursor.fetchall()
    return count, NeededChecks(*needed)


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


def columns_of(
    events: Sequence[NewEvent], *, now: datetime, is_looked_up: bool
) -> dict[str, object]:
    """The values of ``INSERT_EVENTS``; ``is_looked_up`` stores whatever may be to be looked up."""
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
        "is_looked_up": is_looked_up,
        "named_organizations": array({one.scope.organization for one in events}),
        "named_meters": array({one.scope.meter for one in events}),
        "named_customers": array({one.scope.customer for one in events}),
        "first": min(one.timestamp for one in events),
        "last": max(one.timestamp for one in events),
    }


_SHARE_ARRIVALS: Final = """
SELECT count(pg_advisory_xact_lock_shared(key))
FROM (SELECT key FROM unnest(%s::bigint[]) AS key ORDER BY key) AS ordered
"""

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
