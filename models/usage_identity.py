"""Ids of usage events: they carry the event's timestamp, so that an id alone finds its row."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_RANDOM_DIGITS: Final = 19


def new_event_id(timestamp: datetime) -> UUID:
    """A UUIDv7 of the millisecond in which an event happened; all before 1970 share the first."""
    return UUID(EventIds().next(timestamp))


class EventIds:
    """Makes the ids of many events, as text, with few calls for random bytes."""

    def __init__(self) -> None:
        self._random = ""

    def next(self, timestamp: datetime) -> str:
        """The id of an event with this timestamp."""
        if len(self._random) < _RANDOM_DIGITS:
            self._random = os.urandom(_RANDOM_DIGITS * 32).hex()
        digits, self._random = self._random[:_RANDOM_DIGITS], self._random[_RANDOM_DIGITS:]
        milliseconds = max(0, (timestamp - _EPOCH) // _MILLISECOND)
        moment = f"{milliseconds:012x}"
        # The two high bits of the variant are 10: its digit is one of 8, 9, a, b.
        variant = "89ab"[int(digits[3], 16) % 4]
        return f"{moment[:8]}-{moment[8:]}-7{digits[:3]}-{variant}{digits[4:7]}-{digits[7:19]}"


def moment_of(event_id: UUID) -> tuple[datetime, datetime]:
    """The span, half-open, in which the timestamp of an event with this id lies."""
    milliseconds = event_id.int >> 80
    try:
        starts_at = _EPOCH + timedelta(milliseconds=milliseconds)
        return (starts_at if milliseconds else _BEGINNING), starts_at + _MILLISECOND
    except OverflowError:
        # No event has such an id: its time is beyond the calendar.
        return _BEGINNING, _BEGINNING
