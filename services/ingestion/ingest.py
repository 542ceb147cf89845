"""Ingestion: reports become events once and for ever, acknowledged only after their commit.

Several callers share one transaction, which :mod:`services.ingestion.batch` takes from their
reports to their answers; this decides what a transaction that could not commit comes to.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from psycopg import AsyncConnection

from repositories.ingestion.partitions import ensure_partitions, next_month
from repositories.transactions import transaction_of
from services.catalog.terms_cache import TermsCache
from services.ingestion.batch import Batch, MonthsMissing, PartitionCache, Refused
from services.ingestion.submissions import EventResult, Submission


async def ingest(
    connection: AsyncConnection,
    submissions: Sequence[Submission],
    *,
    months: PartitionCache,
    now: datetime,
    terms: TermsCache | None = None,
) -> list[list[EventResult]]:
    """Every accepted report is stored, identified and rolled up; gives the answers of each caller.

    An atomic submission must come alone. ``terms`` are what the caller keeps between transactions.
    Idempotent by organization and key; a report without a key is always new. Source: CONTRACT 3.7,
    11, 31, 32, 45, 74.
    """
    while True:
        try:
            async with transaction_of(connection, {one.organization_id for one in submissions}):
                batch = Batch(connection, submissions, months, terms or TermsCache(), now)
                return await batch.run()
        except MonthsMissing as missing:
            # Making a partition takes a transaction of its own, and the month after comes along.
            needed = missing.months | {next_month(month) for month in missing.months}
            await ensure_partitions(connection, needed)
            months.months |= missing.months
        except Refused as refused:
            return [refused.results]
