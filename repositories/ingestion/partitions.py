"""Partitions of usage events: one per month, made before they are needed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

from psycopg import AsyncConnection

FIRST_MONTH: Final = date(2000, 1, 1)
END_OF_MONTHS: Final = date(2100, 1, 1)


def month_of(timestamp: datetime) -> date | None:
    """The first day of the UTC month whose partition holds an event; None outside all months."""
    month = date(timestamp.year, timestamp.month, 1)
    return month if FIRST_MONTH <= month < END_OF_MONTHS else None


def next_month(month: date) -> date:
    """The first day of the month after."""
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


async def ensure_partitions(connection: AsyncConnection, months: Iterable[date]) -> None:
    """Every month named has its partition, each made in a transaction of its own. Idempotent."""
    for month in sorted(months):
        if FIRST_MONTH <= month < END_OF_MONTHS:
            await connection.execute("SELECT ensure_usage_partition(%s)", [month])
