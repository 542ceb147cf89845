"""The audit log as a file, read and written a page at a time while it is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Final
from uuid import UUID

from fastapi.responses import StreamingResponse

from api.context import AppState
from billing.audit_log.formats import AuditFormat, begin, write
from repositories.audit_links import list_links
from repositories.audit_log import Filter

MEDIA_TYPES: Final[Mapping[AuditFormat, str]] = {
    AuditFormat.NDJSON: "application/x-ndjson",
    AuditFormat.CSV: "text/csv; charset=utf-8",
}

PAGE: Final = 1_000
"""How many entries are read at once."""


class ExportedAuditLog(StreamingResponse):
    """The entries that were asked for, in the order of the chain."""

    def __init__(
        self, state: AppState, organization_id: UUID, wanted: Filter, language: AuditFormat
    ) -> None:
        super().__init__(
            _parts(state, organization_id, wanted, language),
            media_type=MEDIA_TYPES[language],
            headers={"Content-Disposition": f'attachment; filename="audit.{language.value}"'},
        )


async def _parts(
    state: AppState, organization_id: UUID, wanted: Filter, language: AuditFormat
) -> AsyncIterator[str]:
    yield begin(language)
    after: int | None = 0
    while after is not None:
        read = partial(_read, state, organization_id, wanted, language, after)
        async with state.slots.all.admit(organization_id):
            text, after = await state.export_threads.run(read, party=organization_id)
        if text:
            yield text


def _read(
    state: AppState, organization_id: UUID, wanted: Filter, language: AuditFormat, after: int
) -> tuple[str, int | None]:
    with state.context.transactions.for_organization(organization_id) as session:
        links = list_links(session, organization_id, wanted, after=after, limit=PAGE)
        text = write(language, links)
    return text, links[-1].position if len(links) == PAGE else None
