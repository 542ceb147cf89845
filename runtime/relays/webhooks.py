"""Delivers webhooks, for as long as the process lives."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Final, NoReturn, Protocol, TypeVar
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from billing.notifications.deliveries import Answer
from repositories.notifications.deliveries import REPLAYS
from repositories.outbox import WEBHOOK_MESSAGE
from repositories.transactions import Transactions
from services.accounts.credentials import Sealing
from services.notifications import deliveries
from services.notifications.deliveries import Letter

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

AT_ONCE: Final = 64
"""How many deliveries to endpoints that work are on their way at once."""

AT_ONCE_TO_EACH: Final = 4

AT_ONCE_TO_FAILING: Final = 32
"""How many are on their way to endpoints whose last try failed, beside those to the others."""

SWEEP_SECONDS: Final = 30.0
"""How long a message waits at most of which nobody was told."""

HELD_SECONDS: Final = 1.0
"""After that what was due and could not be taken is looked for again."""


class Sender(Protocol):
    """Posts a body."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """What the receiver answered, or why there is no answer."""


class WebhookRelay:
    """Tells every endpoint what happened, none later for the sake of another.

    An endpoint has a few deliveries on their way at once, and one that failed has one, out of a
    number that is kept for those: however many hang, there is room for all others. Several
    processes share the work. Statements run in a thread of its own.
    """

    def __init__(
        self,
        transactions: Transactions,
        sealing: Sealing,
        sender: Sender,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._transactions = transactions
        self._sealing = sealing
        self._sender = sender
        self._now = now
        self._told = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="webhooks")
        self._on_their_way: set[asyncio.Task[None]] = set()
        self._busy: Counter[UUID] = Counter()
        self._failing: set[UUID] = set()

    def hear(self, kind: str) -> None:
        """Messages of this kind were queued."""
        if kind in (WEBHOOK_MESSAGE, REPLAYS):
            self.look()

    def look(self) -> None:
        """Look at once: there may be something due."""
        self._told.set()

    async def run(self) -> NoReturn:
        """Deliver until cancelled. A database that is away only delays it."""
        patience = 0.1
        try:
            while True:
                self._told.clear()
                try:
                    pause = await self.deliver_due()
                    patience = 0.1
                except SQLAlchemyError as error:
                    log.warning("webhooks_unreachable", error=type(error).__name__)
                    pause = patience = min(5.0, patience * 2)
                await self._rest(pause)
        finally:
            for task in self._on_their_way:
                task.cancel()

    async def deliver_due(self) -> float:
        """What is due is on its way; how many seconds may pass until the next look."""
        while await self._execute(self._spread):
            pass
        while letters := await self._take():
            for letter in letters:
                self._busy[letter.endpoint_id] += 1
                task = asyncio.create_task(self._deliver(letter))
                self._on_their_way.add(task)
                task.add_done_callback(self._on_their_way.discard)
        due_at = await self._execute(partial(deliveries.find_next_due, self._transactions))
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

    async def _take(self) -> list[Letter]:
        to_failing = sum(self._busy[one] for one in self._failing)
        room = AT_ONCE - (self._busy.total() - to_failing)
        room_for_failing = AT_ONCE_TO_FAILING - to_failing
        if room <= 0 and room_for_failing <= 0:
            return []
        of_each = AT_ONCE_TO_EACH if room > 0 else 0
        rooms = {one: max(0, of_each - busy) for one, busy in self._busy.items()}
        for one in self._failing:
            is_free = self._busy[one] == 0 and room_for_failing > 0
            room_for_failing -= is_free
            rooms[one] = int(is_free)
        take = partial(
            deliveries.take_due,
            self._transactions,
            self._sealing,
            room=max(room, 0) + sum(rooms[one] for one in self._failing),
            room_of_each=of_each,
            rooms=rooms,
            now=self._now(),
        )
        return await self._execute(take)

    async def _deliver(self, letter: Letter) -> None:
        try:
            answer = await self._sender.post(letter.url, letter.body, letter.headers)
            await self._execute(partial(self._settle, letter, answer))
        except SQLAlchemyError as error:
            # It is sent again when its time is over, with the same id.
            log.warning("webhook_unsettled", error=type(error).__name__)
            return
        finally:
            self._busy[letter.endpoint_id] -= 1
            self._busy += Counter()  # drops those that are down to nothing
            self.look()
        (self._failing.discard if answer.is_success else self._failing.add)(letter.endpoint_id)

    def _spread(self) -> bool:
        return deliveries.spread_events(self._transactions, now=self._now())

    def _settle(self, letter: Letter, answer: Answer) -> None:
        with self._transactions.for_organization(letter.organization_id) as session:
            deliveries.settle(session, letter, answer, now=self._now())

    async def _execute(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._told.wait()
        except TimeoutError:
            return
