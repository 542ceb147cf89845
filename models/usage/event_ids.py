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
_STOCK: Final = 32
_VARIANTS: Final = {digit: "89ab"[place % 4] for place, digit in enumerate("0123456789abcdef")}


def new_event_id(timestamp: datetime) -> UUID:
    """A UUIDv7 of the millisecond in which an event happened; all before 1970 share the first."""
    return UUID(EventIds().next(timestamp))


class EventIds:
    """Makes the ids of many events, as text, with few calls for random bytes."""

    def __init__(self) -> None:
        self._random: list[str] = []

    def next(self, timestamp: datetime) -> str:
        """The id of an event with this timestamp."""
        if not self._random:
            digits = os.urandom(_RANDOM_DIGITS * _STOCK // 2).hex()
            self._random = [
                digits[place : place + _RANDOM_DIGITS]
                for place in range(0, len(digits), _RANDOM_DIGITS)
            ]
        random = self._random.pop()
        since = timestamp - _EPOCH
        milliseconds = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
        moment = f"{max(0, milliseconds):012x}"
        # The variant's two high bits are 10: its digit is one of 8, 9, a, b.
        variant = _VARIANTS[random[0]]
        return f"{moment[:8]}-{moment[8:]}-7{random[1:4]}-{variant}{random[4:7]}-{random[7:]}"


def moment_of(event_id: UUID) -> tuple[datetime, datetime]:
    """The span, half-open, in which the timestamp of an event with this id lies."""
    milliseconds = event_id.int >> 80
    try:
        starts_at = _EPOCH + timedelta(milliseconds=milliseconds)
        return (starts_at if milliseconds else _BEGINNING), starts_at + _MILLISECOND
    except OverflowError:
        # No event has such an id: its time is beyond the calendar.
        return _BEGINNING, _BEGINNING
