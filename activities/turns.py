"""How many groups of steps work at the same time: fewer while they wait more than they work.

A wave of closes has no hurry, and requests have. Groups that mostly wait, for the database, a
processor or the interpreter, gain nothing by being many: fewer of them are larger, cheaper a bill,
and leave locks and processors to who is in a hurry. Source: docs/decisions/0038.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

FEWEST: Final = 1
MOST: Final = 2
"""A process has one interpreter: while one group waits for the database, another one works."""
FIRST: Final = 2

WAITS_TOO_LONG: Final = 0.75
"""The share of its time that a group waits where there are too many: two of three, and the rest."""
WAITS_LITTLE: Final = 0.55
FEWER: Final = 0.75

JOINED_SECONDS: Final = 1.0
"""So long the turn of a small group is put off while it is joined; then it is next."""

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Asked:
    """A turn that is waited for, how many would share it by now, and whether all of them are."""

    turn: asyncio.Future[None]
    count: Callable[[], int]
    is_whole: Callable[[], bool]
    since: float


def _one() -> int:
    return 1


def _always() -> bool:
    return True


class Turns:
    """Groups take turns, so many at a time as there is room for; the largest group is next.

    Whoever waits for the turn of a small one is joined meanwhile: what a group costs is shared.
    """

    def __init__(
        self,
        *,
        first: float = FIRST,
        most: int = MOST,
        joined_seconds: float = JOINED_SECONDS,
        patient_seconds: float = PATIENT_SECONDS,
    ) -> None:
        self._room = first
        self._most = most
        self._joined_seconds = joined_seconds
        self._patient_seconds = patient_seconds
        self._taken = 0
        self._asked: list[_Asked] = []

    @property
    def room(self) -> int:
        """How many groups may work at the same time now."""
        return int(self._room)

    @asynccontextmanager
    async def take(
        self, count: Callable[[], int] = _one, is_whole: Callable[[], bool] = _always
    ) -> AsyncIterator[None]:
        """A turn, as long as the block runs; ``count`` says how many it would serve.

        Of groups that are equally large, the one that has waited longest is next. A group that is
        not whole, since others of it are on their way, is none of them: :meth:`look` says when it
        may be.
        """
        await self._wait(count, is_whole)
        try:
            yield
        finally:
            self._give_back()

    def look(self) -> None:
        """A group that waits for its turn may have become whole."""
        self._give()

    async def _wait(self, count: Callable[[], int], is_whole: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        turn = loop.create_future()
        asked = _Asked(turn=turn, count=count, is_whole=is_whole, since=time.monotonic())
        self._asked.append(asked)
        self._give()
        joined = loop.call_later(self._joined_seconds, self._give)
        try:
            await asyncio.wait([asked.turn], timeout=self._patient_seconds)
        except asyncio.CancelledError:
            if asked.turn.done():
                self._give_back()
            else:
                self._asked.remove(asked)
            raise
        finally:
            joined.cancel()
        if not asked.turn.done():  # one more than there is room for
            self._asked.remove(asked)
            self._taken += 1

    def _give(self) -> None:
        while self._taken < self.room and (following := self._find_next()) is not None:
            self._asked.remove(following)
            self._taken += 1
            following.turn.set_result(None)

    def _find_next(self) -> _Asked | None:
        """The largest that is whole, but for the one that has waited for long enough."""
        if self._asked and time.monotonic() - self._asked[0].since >= self._joined_seconds:
            return self._asked[0]
        whole = [one for one in self._asked if one.is_whole()]
        return max(whole, key=lambda one: one.count(), default=None)

    def _give_back(self) -> None:
        self._taken -= 1
        self._give()

    def learn(self, spent: Spent) -> None:
        """There is room for one more after a round of groups that worked, and soon for fewer else.

        Idle threads and the database of a quiet machine take a third to a half of a group's time.
        """
        waited = 1 - spent.cpu_seconds / spent.seconds if spent.seconds > 0 else 0.0
        if waited > WAITS_TOO_LONG:
            self._room = max(FEWEST, self._room * FEWER)
        elif waited < WAITS_LITTLE:
            self._room = min(self._most, self._room + 1 / self._room)
