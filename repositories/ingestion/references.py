"""Whom and what events name: meters and customers, as ingestion needs them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from psycopg import AsyncConnection

from models.base import new_id
from repositories.array_text import array, quoted


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


class MeterRow(NamedTuple):
    """A meter as ingestion needs it. ``has_events`` says that its definition stands for ever."""

    organization: str
    id: str
    meter_name: str
    meter_token: str
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


class Found(NamedTuple):
    """What some names stand for."""

    meters: dict[MeterName, MeterRow]
    customers: dict[CustomerName, CustomerRow]


async def find_named(
    connection: AsyncConnection,
    meters: Collection[MeterName],
    customers: Collection[CustomerName],
) -> Found:
    """The live meters and customers of these names, by one statement."""
    cursor = await connection.execute(_FIND_NAMED, _meter_columns(meters) | _columns_of(customers))
    found = Found({}, {})
    for is_meter, *row, clock_time in await cursor.fetchall():
        if is_meter:
            _add_meter(found.meters, MeterRow(*row), meters)
        else:
            _add_customer(
                found.customers, CustomerRow(row[0], row[1], row[2], clock_time), customers
            )
    return found


async def lock_meters(
    connection: AsyncConnection, names: Collection[MeterName]
) -> dict[MeterName, MeterRow]:
    """The live meters of these names, which nobody edits until the transaction ends."""
    cursor = await connection.execute(_LOCK_METERS, _meter_columns(names))
    found: dict[MeterName, MeterRow] = {}
    for _, *row, _ in await cursor.fetchall():
        _add_meter(found, MeterRow(*row), names)
    return found


def _meter_columns(names: Collection[MeterName]) -> dict[str, str]:
    return {
        "meter_organizations": array({one.organization for one in names}),
        "meter_ids": array(one.value for one in names if one.kind == "id"),
        "tokens": array(one.value for one in names if one.kind == "token"),
        "names": array(quoted(one.value) for one in names if one.kind == "name"),
    }


def _columns_of(names: Collection[CustomerName]) -> dict[str, str]:
    return {
        "organizations": array({one.organization for one in names}),
        "ids": array(one.value for one in names if one.kind == "id"),
        "external_ids": array(quoted(one.value) for one in names if one.kind == "external_id"),
    }


def _add_meter(
    found: dict[MeterName, MeterRow], row: MeterRow, wanted: Collection[MeterName]
) -> None:
    for name in (
        MeterName(row.organization, "id", row.id),
        MeterName(row.organization, "token", row.meter_token),
        MeterName(row.organization, "name", row.meter_name),
    ):
        if name in wanted:
            found[name] = row


def _add_customer(
    found: dict[CustomerName, CustomerRow], row: CustomerRow, wanted: Collection[CustomerName]
) -> None:
    name = CustomerName(row.organization, "id", row.id)
    if name in wanted:
        found[name] = row
    if row.external_id is not None:
        name = CustomerName(row.organization, "external_id", row.external_id)
        if name in wanted:
            found[name] = row


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


_METERS: Final = """
SELECT true AS is_meter, meter.organization_id::text, meter.id::text, meter.meter_name,
    meter.meter_token::text, meter.aggregation_type, meter.property_name, meter.filters,
    EXISTS (
        SELECT FROM usage_rollup
        WHERE usage_rollup.organization_id = meter.organization_id
            AND usage_rollup.meter_id = meter.id
    ) AS has_events,
    NULL::timestamptz AS clock_time
FROM meter
WHERE meter.organization_id = ANY (%(meter_organizations)s::uuid[]) AND meter.deleted_at IS NULL
    AND (
        meter.id = ANY (%(meter_ids)s::uuid[])
        OR meter.meter_token = ANY (%(tokens)s::uuid[])
        OR meter.meter_name = ANY (%(names)s::text[])
    )
"""

_CUSTOMERS: Final = """
SELECT false, customer.organization_id::text, customer.id::text, customer.external_id,
    NULL, NULL, NULL, NULL, NULL, coalesce(test_clock.target_time, test_clock.frozen_time)
FROM customer
LEFT JOIN test_clock ON test_clock.organization_id = customer.organization_id
    AND test_clock.id = customer.test_clock_id
WHERE customer.organization_id = ANY (%(organizations)s::uuid[]) AND customer.deleted_at IS NULL
    AND (
        customer.id = ANY (%(ids)s::uuid[])
        OR customer.external_id = ANY (%(external_ids)s::text[])
    )
"""

_FIND_NAMED: Final = f"{_METERS} UNION ALL {_CUSTOMERS}"
_LOCK_METERS: Final = f"{_METERS} FOR SHARE OF meter"

_INSERT_CUSTOMERS: Final = """
INSERT INTO customer
    (organization_id, id, name, external_id, auto_created, created_at, updated_at)
SELECT named.organization_id, named.id, named.external_id, named.external_id, true,
    %(now)s, %(now)s
FROM unnest(%(organizations)s::uuid[], %(ids)s::uuid[], %(external_ids)s::text[])
    WITH ORDINALITY AS named(organization_id, id, external_id, place)
JOIN organization ON organization.id = named.organization_id AND organization.auto_create_customers
ORDER BY named.place
ON CONFLICT (organization_id, external_id) WHERE deleted_at IS NULL DO NOTHING
"""
