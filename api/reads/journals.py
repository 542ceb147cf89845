"""Journals as files, read and written a page at a time while they are sent.

As with all exports, no page holds a connection for longer than it is read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Final
from uuid import UUID

from fastapi.responses import StreamingResponse

from api.context import AppState
from billing.books.formats import JournalFormat, JournalWriter
from services.books.journal import JournalRange, read_page

MEDIA_TYPES: Final[Mapping[JournalFormat, str]] = {
    JournalFormat.CSV: "text/csv; charset=utf-8",
    JournalFormat.BEANCOUNT: "text/plain; charset=utf-8",
    JournalFormat.HLEDGER: "text/plain; charset=utf-8",
}


class ExportedJournal(StreamingResponse):
    """A journal in the language that was asked for."""

    def __init__(
        self, state: AppState, organization_id: UUID, part: JournalRange, language: JournalFormat
    ) -> None:
        writer = JournalWriter(language=language)
        super().__init__(
            _parts(state, organization_id, part, writer),
            media_type=MEDIA_TYPES[language],
            headers={"Content-Disposition": f'attachment; filename="journal.{language.value}"'},
        )


async def _parts(
    state: AppState, organization_id: UUID, part: JournalRange, writer: JournalWriter
) -> AsyncIterator[str]:
    yield writer.begin()
    rest: JournalRange | None = part
    while rest is not None:
        write = partial(_write, state, organization_id, rest, writer)
        async with state.slots.all.admit(organization_id):
            text, rest = await state.export_threads.run(write, party=organization_id)
        if text:
            yield text


def _write(
    state: AppState, organization_id: UUID, part: JournalRange, writer: JournalWriter
) -> tuple[str, JournalRange | None]:
    with state.context.transactions.for_organization(organization_id) as session:
        page = read_page(session, organization_id, part)
    return writer.write(page.entries), page.rest
