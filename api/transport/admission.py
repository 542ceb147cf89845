"""Who may work now, and who waits: places that are shared fairly between parties.

A request holds a connection while it waits for a thread to run in; if others held all threads
waiting for a connection, neither would get on. So they wait here, on the event loop, for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakKeyDictionary

from api.transport.turns import Turns
from billing.errors import Unavailable

WAITING_SECONDS = 2.0
BILL_WAITING_SECONDS = 10.0
"""How long a bill waits for its like; it holds nothing meanwhile."""

VISITORS = "visitors"
"""The party of all who show no credentials of an organization."""

MOST_WAITING = 200
"""How many of one party wait; more would not get a place in time."""


class Admission:
    """Lets ``places`` in at once, and ``of_one`` party no more than its share.

    Parties that wait take turns, so that a crowd of one delays another by one place at most.
    Nobody waits longer than ``waiting_seconds``, and nobody joins ``most_waiting`` of their own.
    """

    def __init__(
        self,
        places: int,
        *,
        of_one: int,
        waiting_seconds: float = WAITING_SECONDS,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._places = max(1, places)
        self._of_one = max(1, of_one)
        self._waiting_seconds = waiting_seconds
        self._most_waiting = most_waiting
        self._lines: WeakKeyDictionary[asyncio.AbstractEventLoop, _Line] = WeakKeyDictionary()

    @asynccontextmanager
    async def admit(
        self, party: Hashable, *, leaving: asyncio.Future[None] | None = None
    ) -> AsyncIterator[None]:
        """A place for the party, while the block runs.

        Whoever is ``leaving`` waits no longer. Raises: Unavailable ``too_busy``, ``caller_left``.
        """
        line = self._line()
        if not line.take(party):
            await self._wait(line, party, leaving)
        try:
            yield
        finally:
            line.release(party)

    def _line(self) -> _Line:
        loop = asyncio.get_running_loop()
        line = self._lines.get(loop)
        if line is None:
            line = self._lines[loop] = _Line(self._places, self._of_one)
        return line

    async def _wait(
        self, line: _Line, party: Hashable, leaving: asyncio.Future[None] | None
    ) -> None:
        if line.waiting(party) >= self._most_waiting:
            raise _too_busy()
        place = line.join(party)
        awaited = {place} if leaving is None else {place, leaving}
        try:
            await asyncio.wait(
                awaited, timeout=self._waiting_seconds, return_when=asyncio.FIRST_COMPLETED
            )
        except asyncio.CancelledError:
            line.give_up(party, place)
            raise
        if place.done():
            return
        line.give_up(party, place)
        if leaving is not None and leaving.done():
            raise caller_left()
        raise _too_busy()


class Places:
    """How many requests work at once in this process, and how many of one organization.

    ``connections`` is how many of them the database lets work. Of one organization at most half of
    them work at once, and an eighth of them are bills: those compute, and what computes makes the
    rest of the process wait.
    """

    MOST_AT_ONCE: Final = 32
    """Fewer than the threads that the framework runs routes in (40), so that one is always free."""

    def __init__(self, connections: int) -> None:
        places = min(connections, self.MOST_AT_ONCE)
        self.all = Admission(places, of_one=places // 2)
        self.bills = Admission(
            places // 2, of_one=places // 8, waiting_seconds=BILL_WAITING_SECONDS
        )


class _Line:
    """The places of one event loop, and who waits there for one."""

    def __init__(self, places: int, of_one: int) -> None:
        self._free = places
        self._of_one = of_one
        self._held: dict[Hashable, int] = {}
        self._waiting: Turns[asyncio.Future[None]] = Turns()

    def waiting(self, party: Hashable) -> int:
        return self._waiting.count_of(party)

    def take(self, party: Hashable) -> bool:
        """Whether a place was free. Those who wait while one is have their share already."""
        if self._free == 0 or party in self._waiting or not self._has_share_left(party):
            return False
        self._hand_out(party)
        return True

    def join(self, party: Hashable) -> asyncio.Future[None]:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.join(party, place)
        return place

    def give_up(self, party: Hashable, place: asyncio.Future[None]) -> None:
        if place.done():
            self.release(party)
            return
        self._waiting.leave(party, place)

    def release(self, party: Hashable) -> None:
        self._free += 1
        self._held[party] -= 1
        if self._held[party] == 0:
            del self._held[party]
        while self._free and (turn := self._waiting.peek(self._has_share_left)) is not None:
            next_party, _ = turn
            self._hand_out(next_party)
            self._waiting.take(next_party).set_result(None)

    def _has_share_left(self, party: Hashable) -> bool:
        return self._held.get(party, 0) < self._of_one

    def _hand_out(self, party: Hashable) -> None:
        self._free -= 1
        self._held[party] = self._held.get(party, 0) + 1


def caller_left() -> Unavailable:
    """What becomes of a request whose caller hung up; nobody reads it."""
    return Unavailable("The caller hung up; nothing was changed.", code="caller_left")


def _too_busy() -> Unavailable:
    return Unavailable("Too many requests are waiting; repeat this one.", code="too_busy")
