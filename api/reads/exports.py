"""Long lists as files of lines, read a page at a time while they are sent.

No page holds a connection for longer than it is read, and nothing holds a request's slot: whoever
reads slowly keeps nobody waiting.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import UUID

from fastapi.responses import StreamingResponse

from api.context import AppState
from services.receipts.export import FIRST, Counted, Page, describe_event, read_page


class ExportedEvents(StreamingResponse):
    """The counted events of an invoice, one JSON object a line."""

    media_type = "application/x-ndjson"

    def __init__(self, state: AppState, organization_id: UUID, counted: Counted) -> None:
        super().__init__(_lines(state, organization_id, counted))


async def _lines(state: AppState, organization_id: UUID, counted: Counted) -> AsyncIterator[str]:
    rest: Counted | None = counted
    after_id = FIRST
    while rest is not None:
        read = partial(_read, state, organization_id, rest, after_id)
        async with state.slots.all.admit(organization_id):
            page = await state.export_threads.run(read, party=organization_id)
        if page.events:
            yield "".join(_line(describe_event(one)) for one in page.events)
        rest, after_id = page.rest, page.after_id


def _read(state: AppState, organization_id: UUID, rest: Counted, after_id: UUID) -> Page:
    with state.context.transactions.for_organization(organization_id) as session:
        return read_page(session, rest, after_id=after_id)


def _line(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"
