"""Who may work now, and who waits: slots that are shared fairly between parties.

A request holds a connection while it waits for a thread to run in; if others held all threads
waiting for a connection, neither would get on. So they wait here, on the event loop, for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakKeyDictionary

from api.admission.fair_queue import FairQueue
from billing.errors import Unavailable

WAITING_SECONDS = 2.0
LIKE_WAITING_SECONDS = 10.0
"""How long a bill, or what counts everything, waits for its like; it holds nothing meanwhile."""

VISITORS = "visitors"
"""The party of all who show no credentials of an organization."""

MOST_WAITING = 200
"""How many of one party wait; more would not get a slot in time."""


class Admission:
    """Lets ``slots`` in at once, and ``of_one`` party no more than its share.

    Parties that wait take turns, so that however many of one delay another by one slot.
    Nobody waits longer than ``waiting_seconds``, and nobody joins ``most_waiting`` of their own.
    """

    def __init__(
        self,
        slots: int,
        *,
        of_one: int,
        waiting_seconds: float = WAITING_SECONDS,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._slots = max(1, slots)
        self._of_one = max(1, of_one)
        self._waiting_seconds = waiting_seconds
        self._most_waiting = most_waiting
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, _Queue] = WeakKeyDictionary()

    @asynccontextmanager
    async def admit(
        self, party: Hashable, *, leaving: asyncio.Future[None] | None = None
    ) -> AsyncIterator[None]:
        """A slot for the party, while the block runs.

        Whoever is ``leaving`` waits no longer. Raises: Unavailable ``too_busy``, ``caller_left``.
        """
        queue = self._queue()
        if not queue.take(party):
            await self._wait(queue, party, leaving)
        try:
            yield
        finally:
            queue.release(party)

    def _queue(self) -> _Queue:
        loop = asyncio.get_running_loop()
        queue = self._queues.get(loop)
        if queue is None:
            queue = self._queues[loop] = _Queue(self._slots, self._of_one)
        return queue

    async def _wait(
        self, queue: _Queue, party: Hashable, leaving: asyncio.Future[None] | None
    ) -> None:
        if queue.waiting(party) >= self._most_waiting:
            raise _too_busy()
        slot = queue.put(party)
        awaited = {slot} if leaving is None else {slot, leaving}
        try:
            await asyncio.wait(
                awaited, timeout=self._waiting_seconds, return_when=asyncio.FIRST_COMPLETED
            )
        except asyncio.CancelledError:
            queue.give_up(party, slot)
            raise
        if slot.done():
            return
        queue.give_up(party, slot)
        if leaving is not None and leaving.done():
            raise caller_left()
        raise _too_busy()


class RequestSlots:
    """How many requests work at once in this process, and how many of one organization.

    ``connections`` is how many of them the database lets work. Of one organization at most half of
    them work at once, and an eighth of them are bills: those compute, and what computes makes the
    rest of the process wait. What counts everything that there is does so by itself: several at
    once would each take as long as all of them one after the other.
    """

    MOST_AT_ONCE: Final = 32
    """Fewer than the threads that the framework runs routes in (40), so that one is always free."""

    def __init__(self, connections: int) -> None:
        slots = min(connections, self.MOST_AT_ONCE)
        self.all = Admission(slots, of_one=slots // 2)
        self.bills = Admission(slots // 2, of_one=slots // 8, waiting_seconds=LIKE_WAITING_SECONDS)
        self.counts = Admission(2, of_one=1, waiting_seconds=LIKE_WAITING_SECONDS)


class _Queue:
    """The slots of one event loop, and who waits there for one."""

    def __init__(self, slots: int, of_one: int) -> None:
        self._free = slots
        self._of_one = of_one
        self._held: dict[Hashable, int] = {}
        self._waiting: FairQueue[asyncio.Future[None]] = FairQueue()

    def waiting(self, party: Hashable) -> int:
        return self._waiting.count_of(party)

    def take(self, party: Hashable) -> bool:
        """Whether a slot was free. Those who wait while one is have their share already."""
        if self._free == 0 or party in self._waiting or not self._has_share_left(party):
            return False
        self._hand_out(party)
        return True

    def put(self, party: Hashable) -> asyncio.Future[None]:
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.put(party, slot)
        return slot

    def give_up(self, party: Hashable, slot: asyncio.Future[None]) -> None:
        if slot.done():
            self.release(party)
            return
        self._waiting.remove(party, slot)

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
