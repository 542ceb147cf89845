"""The usage of periods on the event loop: the statement of ``period_usage``, without a session."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final
from uuid import UUID

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from repositories.asynchronous.tenant_reads import TENANT, read_rows
from repositories.usage.period_usage import (
    UsagePart,
    UsageRead,
    UsageRow,
    UsageStatement,
    answer_of,
    to_parts,
)

_NAMED_PARAMETER: Final = re.compile(r"(?<!:):([a-z]\w*)")
"""A parameter in SQLAlchemy's notation, which the driver writes otherwise."""


async def read_usage_now(
    connection: AsyncConnection,
    organization_id: UUID,
    customer_id: UUID,
    spans: Sequence[UsageRead],
) -> tuple[int, list[UsagePart]]:
    """As ``read_usage``, outside of any transaction."""
    return answer_of(await _read(connection, organization_id, customer_id, spans))


async def read_rows_now(
    connection: AsyncConnection,
    organization_id: UUID,
    customer_id: UUID,
    spans: Sequence[UsageRead],
) -> list[UsageRow]:
    """What :func:`to_parts` makes the same parts of."""
    rows = await _read(connection, organization_id, customer_id, spans)
    return [row for row in rows if row["place"] is not None]


async def read_usage_within(
    connection: AsyncConnection,
    organization_id: UUID,
    customer_id: UUID,
    spans: Sequence[UsageRead],
) -> list[UsagePart]:
    """The parts of every span as one statement of the running transaction sees them."""
    statement = _of_spans(organization_id, customer_id, spans)
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_for_driver(statement.sql()), statement.values())
        return to_parts(await cursor.fetchall())


async def _read(
    connection: AsyncConnection,
    organization_id: UUID,
    customer_id: UUID,
    spans: Sequence[UsageRead],
) -> list[UsageRow]:
    statement = _of_spans(organization_id, customer_id, spans)
    return await read_rows(
        connection, organization_id, _of_tenant(statement.sql()), statement.values()
    )


def _of_spans(
    organization_id: UUID, customer_id: UUID, spans: Sequence[UsageRead]
) -> UsageStatement:
    statement = UsageStatement(None)
    for span in spans:
        statement.read(organization_id, customer_id, span)
    return statement


@cache
def _of_tenant(sql: str) -> str:
    """The organization comes from where row-level security has it from."""
    return _for_driver(sql.replace("asked.organization_id", TENANT))


@cache
def _for_driver(sql: str) -> str:
    return _NAMED_PARAMETER.sub(r"%(\1)s", sql)
