"""Delivers what is due to whoever is to have it, for as long as the process lives."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, NoReturn, Protocol, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from billing.notifications.deliveries import Answer, Room

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

SWEEP_SECONDS: Final = 30.0
"""How long a message waits at most of which nobody was told."""

HELD_SECONDS: Final = 1.0
"""After that what was due and could not be taken is looked for again."""

LEAVING_SECONDS: Final = 5.0
"""How long a process that ends waits at most for what is on its way."""


class Sent(Protocol):
    """What is on its way, and to whom."""

    @property
    def receiver_id(self) -> UUID:
        """Who is to have it: none delays another."""


Letter = TypeVar("Letter", bound=Sent)


class CountDelivery(Protocol):
    """Is told of every try to deliver something, by the name of what sends it."""

    def __call__(self, relay: str, /, *, arrived: bool) -> None:
        """Count it."""


def count_nothing(_relay: str, /, *, arrived: bool) -> None:
    """Deliveries of this process are not counted."""


AroundDelivery = Callable[[str, Any], AbstractContextManager[object]]
"""A span around a try, by the name of the relay and what is sent."""

Execute = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Does work in the thread where what is sent is made."""


class Post(Protocol[Letter]):
    """Rows that are due, and what sends them."""

    name: str
    """Of its thread, and in the log."""
    kinds: Collection[str]
    """What tells that something is due."""

    def prepare(self, *, now: datetime) -> bool:
        """A batch of what was queued is due. Whether there may be more."""

    def take(self, room: Room, *, now: datetime) -> list[Letter]:
        """What is due, for a while nobody else's."""

    def find_next_due(self) -> datetime | None:
        """When the first is due, None if none waits."""

    async def send(
        self, letter: Letter, execute: Execute, now: Callable[[], datetime]
    ) -> Answer | None:
        """What the receiver answered. Nothing that it does is an error.

        None if the letter is not this process's any more: nothing is to be settled.
        """

    def settle(self, letter: Letter, answer: Answer, *, now: datetime) -> None:
        """It arrived, or is due again, or has failed for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """How many are on their way at once: in all, to each receiver, and to those that failed."""

    at_once: int
    to_each: int
    to_failing: int


class DeliveryRelay(Generic[Letter]):
    """Sends what is due, none later for the sake of another receiver.

    A receiver has a few on their way at once, and one that failed has one, out of a number that is
    kept for those: however many hang, there is room for all others. Several processes share the
    work. Statements run in a thread of its own, and what is sent is made in another, so that what
    became of one is written while others are made.
    """

    def __init__(
        self,
        post: Post[Letter],
        rooms: Rooms,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        count: CountDelivery = count_nothing,
        around: AroundDelivery | None = None,
    ) -> None:
        """``around`` is a span around each try, where there are traces."""
        self._post = post
        self._count = count
        self._around = around
        self._rooms = rooms
        self._now = now
        self._told = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=post.name)
        self._maker = ThreadPoolExecutor(1, thread_name_prefix=f"{post.name}-made")
        self._on_their_way: set[asyncio.Task[None]] = set()
        self._busy: Counter[UUID] = Counter()
        self._failing: set[UUID] = set()

    def hear(self, kind: str) -> None:
        """Messages of this kind were queued."""
        if kind in self._post.kinds:
            self.look()

    def look(self) -> None:
        """Look at once: there may be something due."""
        self._told.set()

    async def run(self) -> NoReturn:
        """Deliver until cancelled, and then only what is on its way.

        A database that is away only delays it.
        """
        patience = 0.1
        try:
            while True:
                self._told.clear()
                try:
                    pause = await self.deliver_due()
                    patience = 0.1
                except SQLAlchemyError as error:
                    log.warning(
                        "relay_unreachable", relay=self._post.name, error=type(error).__name__
                    )
                    pause = patience = min(5.0, patience * 2)
                await self._rest(pause)
        finally:
            await self._leave()

    async def deliver_due(self) -> float:
        """What is due is on its way; how many seconds may pass until the next look."""
        while await self._execute(lambda: self._post.prepare(now=self._now())):
            pass
        while letters := await self._take():
            for letter in letters:
                self._busy[letter.receiver_id] += 1
                task = asyncio.create_task(self._deliver(letter))
                self._on_their_way.add(task)
                task.add_done_callback(self._on_their_way.discard)
        due_at = await self._execute(self._post.find_next_due)
        if due_at is None:
            return SWEEP_SECONDS
        waits = (due_at - self._now()).total_seconds()
        return min(SWEEP_SECONDS, waits) if waits > 0 else HELD_SECONDS

    async def finish(self) -> bool:
        """Whatever is on its way has arrived, or has not, and is settled. Whether anything was."""
        was_busy = bool(self._on_their_way)
        while self._on_their_way:
            await asyncio.wait(self._on_their_way)
        return was_busy

    async def _leave(self) -> None:
        """What arrives within seconds is settled, so that nobody sends it again."""
        if self._on_their_way:
            _, late = await asyncio.wait(self._on_their_way, timeout=LEAVING_SECONDS)
            for task in late:
                task.cancel()

    async def _take(self) -> list[Letter]:
        to_failing = sum(self._busy[one] for one in self._failing)
        total = self._rooms.at_once - (self._busy.total() - to_failing)
        room_for_failing = self._rooms.to_failing - to_failing
        if total <= 0 and room_for_failing <= 0:
            return []
        of_each = self._rooms.to_each if total > 0 else 0
        of_busy = {one: max(0, of_each - busy) for one, busy in self._busy.items()}
        for one in self._failing:
            is_free = self._busy[one] == 0 and room_for_failing > 0
            room_for_failing -= is_free
            of_busy[one] = int(is_free)
        total = max(total, 0) + sum(of_busy[one] for one in self._failing)
        room = Room(total=total, of_each=of_each, of_busy=of_busy)
        return await self._execute(lambda: self._post.take(room, now=self._now()))

    async def _deliver(self, letter: Letter) -> None:
        try:
            answer = await self._send(letter)
            if answer is None:
                return
            self._count(self._post.name, arrived=answer.is_success)
            await self._execute(lambda: self._post.settle(letter, answer, now=self._now()))
        except SQLAlchemyError as error:
            # It is sent again when its time is over, under the same name.
            log.warning("delivery_unsettled", relay=self._post.name, error=type(error).__name__)
            return
        finally:
            self._busy[letter.receiver_id] -= 1
            self._busy += Counter()  # drops those that are down to nothing
            self.look()
        (self._failing.discard if answer.is_success else self._failing.add)(letter.receiver_id)

    async def _send(self, letter: Letter) -> Answer | None:
        try:
            with nullcontext() if self._around is None else self._around(self._post.name, letter):
                return await self._post.send(letter, self._make, self._now)
        except SQLAlchemyError:
            raise
        except Exception as error:
            # The edge of the process: what nobody foresaw is a try that failed, seen in its row.
            log.exception("delivery_failed", relay=self._post.name)
            return Answer(error=f"{type(error).__name__}, see the log.")

    async def _execute(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _make(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._maker, work)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._told.wait()
        except TimeoutError:
            return
