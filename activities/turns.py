"""How many groups of steps work at the same time: fewer while they wait more than they work.

A wave of closes has no hurry, and requests have. Groups that mostly wait, for the database, a
processor or the interpreter, gain nothing by being many: fewer of them are larger, cheaper a bill,
and leave locks and processors to who is in a hurry. Source: docs/decisions/0038.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

FEWEST: Final = 1
MOST: Final = 8
FIRST: Final = 2

WAITS_TOO_LONG: Final = 0.75
"""The share of its time that a group waits where there are too many: two of three, and the rest."""
WAITS_LITTLE: Final = 0.55
FEWER: Final = 0.75

PATIENT_SECONDS: Final = 5.0
"""Nobody waits longer for a turn: a group that waits for a lock holds up no other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a thread spent on a group, by the clock and of a processor."""

    seconds: float
    cpu_seconds: float


class Stopwatch:
    """Measures the thread that it is started and read in."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._worked = time.thread_time()

    def read(self) -> Spent:
        """What was spent since the start."""
        return Spent(
            seconds=time.perf_counter() - self._began,
            cpu_seconds=time.thread_time() - self._worked,
        )


class Turns:
    """Groups take turns, so many at a time as there is room for."""

    def __init__(
        self,
        *,
        first: float = FIRST,
        most: int = MOST,
        patient_seconds: float = PATIENT_SECONDS,
    ) -> None:
        self._room = first
        self._most = most
        self._patient_seconds = patient_seconds
        self._taken = 0
        self._changed = asyncio.Condition()

    @property
    def room(self) -> int:
        """How many groups may work at the same time now."""
        return int(self._room)

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """A turn, as long as the block runs; whoever waited longest is next."""
        async with self._changed:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patient_seconds):
                    await self._changed.wait_for(lambda: self._taken < self.room)
            self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1
            async with self._changed:
                self._changed.notify_all()

    def learn(self, spent: Spent) -> None:
        """There is room for one more after a round of groups that worked, and soon for fewer else.

        Idle threads and the database of a quiet machine take a third to a half of a group's time.
        """
        waited = 1 - spent.cpu_seconds / spent.seconds if spent.seconds > 0 else 0.0
        if waited > WAITS_TOO_LONG:
            self._room = max(FEWEST, self._room * FEWER)
        elif waited < WAITS_LITTLE:
            self._room = min(self._most, self._room + 1 / self._room)
