"""Whom and what events name: meters and customers, as ingestion needs them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import class_row

from models.base import new_id
from repositories.usage_arrays import array, quoted


class MeterName(NamedTuple):
    """How an event names its meter: by its ``id``, its ``token`` or its ``name``."""

    organization: str
    kind: Literal["id", "token", "name"]
    value: str


class CustomerName(NamedTuple):
    """How an event names its customer: by ``id`` or by ``external_id``."""

    organization: str
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


class CustomerRow(NamedTuple):
    """A customer as ingestion needs it. ``clock_time`` is the present of a test clock."""

    organization: str
    id: str
    external_id: str | None
    clock_time: datetime | None


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
                "organizations": array({one.organization for one in wanted}),
                "ids": array(one.value for one in wanted if one.kind == "id"),
                "tokens": array(one.value for one in wanted if one.kind == "token"),
                "names": array(quoted(one.value) for one in wanted if one.kind == "name"),
            },
        )
        found = await cursor.fetchall()
    by_name: dict[MeterName, MeterRow] = {}
    for row in found:
        by_name[MeterName(str(row.organization_id), "id", str(row.id))] = row
        by_name[MeterName(str(row.organization_id), "token", str(row.meter_token))] = row
        by_name[MeterName(str(row.organization_id), "name", row.meter_name)] = row
    return {name: by_name[name] for name in wanted if name in by_name}


async def find_customers(
    connection: AsyncConnection, names: Collection[CustomerName]
) -> dict[CustomerName, CustomerRow]:
    """The live customers of these names."""
    cursor = await connection.execute(
        _FIND_CUSTOMERS,
        {
            "organizations": array({one.organization for one in names}),
            "ids": array([one.value for one in names if one.kind == "id"]),
            "external_ids": array(
                [quoted(one.value) for one in names if one.kind == "external_id"]
            ),
        },
    )
    rows = [CustomerRow(*row) for row in await cursor.fetchall()]
    found: dict[CustomerName, CustomerRow] = {}
    for row in rows:
        for name in _names_of(row):
            if name in names:
                found[name] = row
    return found


def _names_of(row: CustomerRow) -> Iterator[CustomerName]:
    yield CustomerName(row.organization, "id", row.id)
    if row.external_id is not None:
        yield CustomerName(row.organization, "external_id", row.external_id)


async def insert_customers(
    connection: AsyncConnection, names: Iterable[CustomerName], *, now: datetime
) -> None:
    """Customers of these external ids exist where the organization creates customers by itself.

    Idempotent by the external id.
    """
    ordered = sorted(names, key=lambda one: (one.organization, one.value))
    await connection.execute(
        _INSERT_CUSTOMERS,
        {
            "organizations": array(one.organization for one in ordered),
            "ids": array(str(new_id()) for _ in ordered),
            "external_ids": array(quoted(one.value) for one in ordered),
            "now": now,
        },
    )


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
SELECT customer.organization_id::text, customer.id::text, customer.external_id,
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
