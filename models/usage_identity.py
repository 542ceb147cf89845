"""Ids of usage events: they carry the event's timestamp, so that an id alone finds its row."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def new_event_id(timestamp: datetime) -> UUID:
    """A UUIDv7 of the millisecond in which an event happened; all before 1970 share the first."""
    milliseconds = max(0, (timestamp - _EPOCH) // _MILLISECOND)
    value = (milliseconds & (1 << 48) - 1) << 80
    value |= int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


def moment_of(event_id: UUID) -> tuple[datetime, datetime]:
    """The span, half-open, in which the timestamp of an event with this id lies."""
    milliseconds = event_id.int >> 80
    try:
        starts_at = _EPOCH + timedelta(milliseconds=milliseconds)
        return (starts_at if milliseconds else _BEGINNING), starts_at + _MILLISECOND
    except OverflowError:
        # No event has such an id: its time is beyond the calendar.
        return _BEGINNING, _BEGINNING
