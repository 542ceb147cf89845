"""Reads of one statement that name their organization: one round trip, no transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection, Connection
from psycopg.rows import RowFactory, dict_row
from sqlmodel import Session

TENANT: Final = "tenant.id"
"""What the statement calls its organization."""


async def read_rows(
    connection: AsyncConnection,
    organization_id: UUID,
    statement: str,
    values: Mapping[str, Any],
    row_factory: RowFactory[Any] = dict_row,
) -> list[Any]:
    """The rows of a statement that sees one organization, to which it refers as ``tenant.id``.

    The connection commits by itself; the statement is prepared after a few uses.
    """
    async with connection.cursor(row_factory=row_factory) as cursor:
        await cursor.execute(*_with_tenant(organization_id, statement, values))
        return await cursor.fetchall()


def read_rows_within(
    session: Session,
    organization_id: UUID,
    statement: str,
    values: Mapping[str, Any],
    row_factory: RowFactory[Any],
) -> list[Any]:
    """As :func:`read_rows`, in the transaction of a session of that organization."""
    driver = session.connection().connection.driver_connection
    assert isinstance(driver, Connection)
    with driver.cursor(row_factory=row_factory) as cursor:
        cursor.execute(*_with_tenant(organization_id, statement, values))
        return cursor.fetchall()


def _with_tenant(
    organization_id: UUID, statement: str, values: Mapping[str, Any]
) -> tuple[str, Mapping[str, Any]]:
    text = _WITH_TENANT.format(statement=statement)
    return text, {**values, "tenant": "{" + str(organization_id) + "}"}


# The statement depends on the organization's id, which only the function that names it to row-level
# security gives; OFFSET keeps the planner from taking the two apart.
_WITH_TENANT: Final = """
SELECT found.*
FROM (
    SELECT (set_config('app.organizations', %(tenant)s, true)::uuid[])[1] AS id
) AS tenant
CROSS JOIN LATERAL (
{statement}
OFFSET 0
) AS found"""
