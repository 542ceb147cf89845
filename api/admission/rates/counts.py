"""Counts by name that leak away with time, in a piece of memory that processes share."""

from __future__ import annotations

import mmap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple, Self

PLACES: Final = 1 << 16
"""So many callers are counted at a time; a mebibyte of memory."""

TRIED_PLACES: Final = 8
WORD_BYTES: Final = 8
SECOND: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """``quota`` units in any ``seconds``: spent all at once, or as they come back one by one.

    In nanoseconds, one comes back in a ``unit`` and all of them in a ``window``.
    """

    quota: int
    seconds: int
    unit: int = field(init=False)
    window: int = field(init=False)

    def __post_init__(self) -> None:
        unit = max(1, self.seconds * SECOND // self.quota)
        object.__setattr__(self, "unit", unit)
        object.__setattr__(self, "window", unit * self.quota)


class Taken(NamedTuple):
    """What became of a wish: ``wait_seconds`` is 0 if it was granted."""

    remaining: int
    full_in_seconds: int
    wait_seconds: int = 0


class Counts:
    """When each name's allowance is whole again (the generic cell rate algorithm).

    A name that is whole again is as one that was never counted, so its place is free. Nothing is
    locked: two processes that count one name in the same microsecond may count it once, which
    favors the caller; a process that stands still keeps nobody waiting.
    """

    def __init__(self, memory: mmap.mmap) -> None:
        self._words = memoryview(memory).cast("q")
        self._places = len(self._words) // 2

    @classmethod
    def alone(cls) -> Self:
        """Counts of this process."""
        return cls(mmap.mmap(-1, 2 * WORD_BYTES * PLACES))

    @classmethod
    def shared(cls, path: Path) -> Self:
        """Counts of all processes that open this file."""
        with path.open("a+b") as file:
            file.truncate(2 * WORD_BYTES * PLACES)
            return cls(mmap.mmap(file.fileno(), 2 * WORD_BYTES * PLACES))

    def take(self, name: int, units: int, allowance: Allowance, *, now: int) -> Taken:
        """The units are taken if they are there; who wants more than there can be takes all.

        ``now`` is a monotonic clock's, in nanoseconds.
        """
        place = self._find(name)
        words = self._words
        whole_at = max(words[place + 1], now) if words[place] == name else now
        after = whole_at + min(units, allowance.quota) * allowance.unit
        left = allowance.window - (after - now)
        if left < 0:
            return Taken(
                remaining=max(0, allowance.window - (whole_at - now)) // allowance.unit,
                full_in_seconds=_seconds(whole_at - now),
                wait_seconds=max(1, _seconds(-left)),
            )
        words[place] = name
        words[place + 1] = after
        return Taken(remaining=left // allowance.unit, full_in_seconds=_seconds(after - now))

    def _find(self, name: int) -> int:
        """Where the name is counted, or may be: in the place of whoever is whole soonest."""
        words = self._words
        best, soonest = 0, 0
        for number in range(name, name + TRIED_PLACES):
            place = 2 * (number % self._places)
            if words[place] == name:
                return place
            whole_at = words[place + 1]
            if number == name or whole_at < soonest:
                best, soonest = place, whole_at
        return best


def _seconds(nanoseconds: int) -> int:
    return -(-nanoseconds // SECOND)
