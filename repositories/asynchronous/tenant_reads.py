"""Reads of one statement that name their organization: one round trip, no transaction."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from psycopg import AsyncConnection, AsyncRawCursor, Connection, RawCursor
from psycopg.rows import RowFactory, dict_row
from sqlmodel import Session

TENANT: Final = "tenant.id"
"""What the statement calls its organization."""

MOST_STATEMENTS: Final = 512
"""There are dozens, and one more for each size and filter of a list."""

_NAMED: Final = re.compile(r"%(?:\((\w+)\)s|%)")
"""A parameter in the driver's notation, or the sign itself."""


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
    async with AsyncRawCursor(connection, row_factory=row_factory) as cursor:
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
    with RawCursor(driver, row_factory=row_factory) as cursor:
        cursor.execute(*_with_tenant(organization_id, statement, values))
        return cursor.fetchall()


def _with_tenant(
    organization_id: UUID, statement: str, values: Mapping[str, Any]
) -> tuple[bytes, Sequence[Any]]:
    text, names = _numbered(statement)
    named = {**values, "tenant": "{" + str(organization_id) + "}"}
    return text, [named[name] for name in names]


@lru_cache(MOST_STATEMENTS)
def _numbered(statement: str) -> tuple[bytes, Sequence[str]]:
    """The statement as the server takes it, and the names of its parameters in their order.

    The driver would parse a long statement anew each time.
    """
    places: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name = found[1]
        return "%" if name is None else f"${places.setdefault(name, len(places) + 1)}"

    text = _NAMED.sub(number, _WITH_TENANT.format(statement=statement))
    return text.encode(), tuple(places)


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
