"""Everything that is held about a customer as a file of lines, read a page at a time."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from fastapi.responses import StreamingResponse

from api.context import AppState
from repositories.personal_data.records import KINDS, Records, read_records

PAGE: Final = 500


class ExportedRecords(StreamingResponse):
    """The records of a customer, one JSON object a line.

    Nobody's connection is held while a reader is slow, and no more than a page is in memory.
    """

    media_type = "application/x-ndjson"

    def __init__(
        self, state: AppState, organization_id: UUID, customer_id: UUID, *, exported_at: datetime
    ) -> None:
        super().__init__(_lines(state, organization_id, customer_id, exported_at))


async def _lines(
    state: AppState, organization_id: UUID, customer_id: UUID, exported_at: datetime
) -> AsyncIterator[str]:
    head = {"customer_id": str(customer_id), "exported_at": exported_at.isoformat()}
    yield _line("export", json.dumps(head))
    count = 0
    for kind in KINDS:
        after: Mapping[str, str] | None = None
        while True:
            read = partial(_read, state, organization_id, customer_id, kind, after)
            async with state.slots.all.admit(organization_id):
                page = await state.export_threads.run(read, party=organization_id)
            if page.rows:
                count += len(page.rows)
                yield "".join(_line(kind, row) for row in page.rows)
            if page.place is None:
                break
            after = page.place
    yield _line("end", json.dumps({"records": count}))


def _read(
    state: AppState,
    organization_id: UUID,
    customer_id: UUID,
    kind: str,
    after: Mapping[str, str] | None,
) -> Records:
    with state.context.transactions.for_organization(organization_id) as session:
        return read_records(session, organization_id, customer_id, kind, after=after, limit=PAGE)


def _line(kind: str, record: str) -> str:
    return f'{{"kind":"{kind}","record":{record}}}\n'
