"""The product's own write statement without the product: the limit that ingestion is held against.

    python -m benchmarks.direct_writer ADDRESS FILE

Writes the lists of a pickled file, one transaction each, and prints the seconds that it took.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from sqlalchemy import make_url

from models.usage.event_ids import new_event_id
from repositories.asynchronous.connections import connect
from repositories.ingestion import writer
from repositories.ingestion.writer import EventScope, NewEvent

Parameters = dict[str, object]


def prepare_list(
    organization_id: str, meter_id: str, rows: Sequence[dict[str, Any]], customers: dict[str, str]
) -> tuple[list[EventScope], Parameters]:
    """Everything that the statement needs, so that only the statement is measured."""
    events = [
        NewEvent(
            scope=EventScope(organization_id, meter_id, customers[row["customer_external_id"]]),
            id=str(new_event_id(datetime.fromisoformat(row["timestamp"]))),
            timestamp=datetime.fromisoformat(row["timestamp"]),
            quantity=str(row["quantity"]),
            distinct_value=None,
            meta_data='{"region":"eu"}',
            idempotency_key=row["idempotency_key"],
            content_hash="00" * 16,
            counted=True,
        )
        for row in rows
    ]
    # The statement alone is the limit, so its parameters are made beforehand.
    columns = writer._columns(events, datetime.now(UTC))  # noqa: SLF001  (the product's own)
    return [event.scope for event in events], columns


async def write(address: str, prepared: Sequence[tuple[list[EventScope], Parameters]]) -> float:
    """The seconds that writing the lists takes."""
    organization = prepared[0][0][0].organization
    connection = await connect(make_url(address))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    began = perf_counter()
    for scopes, parameters in prepared:
        async with connection.transaction():
            await connection.execute(
                "SELECT set_config('app.organizations', %s, true)", [f"{{{organization}}}"]
            )
            await writer.share_arrivals(connection, scopes)
            await connection.execute(writer._INSERT_EVENTS, parameters)  # noqa: SLF001  (same)
    seconds = perf_counter() - began
    await connection.close()
    return seconds


if __name__ == "__main__":
    print(asyncio.run(write(sys.argv[1], pickle.loads(Path(sys.argv[2]).read_bytes()))), flush=True)
