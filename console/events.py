"""Events as rows of a page, and where a page of them begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from billing.errors import NotFound
from billing.metering.corrections import CorrectionKind
from billing.periods import as_utc, find_zone
from models.usage.events import UsageCorrection, UsageEvent
from repositories.usage.events import EventPosition
from services.documents.formats import Formats
from services.documents.line_rows import Words
from services.documents.text import on_one_line

LONGEST_POSITION: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """What a page says of one event. ``note`` is what it said before it was corrected."""

    time: str
    name: str
    value: str
    quantity: str
    note: str | None


def event_row(
    event: UsageEvent, correction: UsageCorrection | None, formats: Formats, words: Words
) -> EventRow:
    """The event under the name that its sender gave it, as it counts after its correction."""
    quantity, note = event.quantity, None
    if correction is not None and correction.kind == CorrectionKind.VOID:
        note = words["is_void"]
    elif correction is not None and correction.quantity is not None:
        quantity, note = (
            correction.quantity,
            words["was"].format(quantity=formats.quantity(event.quantity)),
        )
    return EventRow(
        time=clock_time(event.timestamp, formats.timezone),
        name=on_one_line(event.idempotency_key or str(event.id)),
        value=on_one_line(event.distinct_value or ""),
        quantity=formats.quantity(quantity),
        note=note,
    )


def clock_time(instant: datetime, timezone: str) -> str:
    """The local time to the second: ``2026-03-01 09:30:00``."""
    return as_utc(instant).astimezone(find_zone(timezone)).strftime("%Y-%m-%d %H:%M:%S")


def write_position(position: EventPosition) -> str:
    """A position as the address of a page names it."""
    return f"{position.timestamp.isoformat()}~{position.event_id}"


def read_position(text: str | None) -> EventPosition | None:
    """The position that an address names, None for the first page. Raises NotFound."""
    if text is None:
        return None
    timestamp, _, event_id = text[:LONGEST_POSITION].partition("~")
    try:
        return EventPosition(
            timestamp=as_utc(datetime.fromisoformat(timestamp)), event_id=UUID(event_id)
        )
    except (ValueError, OverflowError) as error:
        raise NotFound("Page not found.", code="page_not_found") from error
