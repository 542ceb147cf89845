"""Group commit: whatever arrives while a transaction is under way shares the next one."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from psycopg import AsyncConnection, OperationalError
from psycopg.errors import CheckViolation, DeadlockDetected, SerializationFailure

from api.admission.fair_queue import FairQueue
from api.idle_connections import let_go, still_works
from api.ingestion.tail import UsageTail
from billing.errors import TooManyRequests, Unavailable
from services.catalog.terms_cache import TermsCache
from services.ingestion.batch import PartitionCache
from services.ingestion.ingest import ingest
from services.ingestion.submissions import EventResult, Submission

log = structlog.get_logger(__name__)

WRITERS: Final = 2
GATHER_SECONDS: Final = 0.002
ANSWER_SECONDS: Final = 10.0
"""A transaction that takes longer is given up, for nobody waits for it."""

MOST_ROWS_TOGETHER: Final = 2_000
ENOUGH_ROWS: Final = 50
"""As many are worth a transaction of their own: they wait for no others."""

MOST_ROWS_WAITING: Final = 50_000
MOST_ROWS_OF_ONE: Final = 25_000
"""Of one organization, so that there is room for others."""

ATTEMPTS: Final = 4
TellResults = Callable[[Sequence[EventResult]], None]
_AWAY: Final = "The database does not answer; repeat the request."


class _Unreachable(Exception):
    """No connection to the database can be made."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Waiting:
    """A caller who waits for the commit."""

    submission: Submission
    answer: asyncio.Future[list[EventResult]]

    @property
    def size(self) -> int:
        return max(1, len(self.submission.rows))


class UsageWriter:
    """Writes submissions through a few connections of its own.

    Its tasks live in the event loop that submits. Organizations take turns, so that much of one
    delays another by one group. Memory is bounded: more than 50,000 rows waiting are refused, and
    more than 25,000 of one organization.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[AsyncConnection]],
        now: Callable[[], datetime],
        count: TellResults = lambda _results: None,
        trace: TellResults | None = None,
        tail: UsageTail | None = None,
    ) -> None:
        """Once reports are committed, ``count`` and ``tail`` hear it; ``trace`` in each request."""
        self._trace = trace
        self._tail = UsageTail() if tail is None else tail
        self._connect = connect
        self._now = now
        self._count = count
        self._months = PartitionCache()
        self._terms = TermsCache()
        self._waiting: FairQueue[_Waiting] = FairQueue()
        self._rows_waiting = 0
        self._rows_of: Counter[UUID] = Counter()
        self._arrived = asyncio.Event()
        self._free = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def submit(self, submission: Submission) -> list[EventResult]:
        """The answers, once what they acknowledge is committed.

        Raises TooManyRequests when too much waits already, Unavailable when the database is away.
        """
        self._start()
        party, rows = submission.organization_id, len(submission.rows)
        if (
            self._rows_waiting + rows > MOST_ROWS_WAITING
            or self._rows_of[party] + rows > MOST_ROWS_OF_ONE
        ):
            raise TooManyRequests("Too many events are waiting.", retry_after_seconds=1)
        waiting = _Waiting(submission=submission, answer=asyncio.get_running_loop().create_future())
        self._waiting.put(party, waiting)
        self._rows_waiting += waiting.size
        self._rows_of[party] += waiting.size
        self._arrived.set()
        results = await waiting.answer
        if self._trace is not None:
            self._trace(results)
        return results

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        # Another loop's tasks and callers ended with it.
        self._loop = loop
        self._give_up_waiting()
        self._arrived = asyncio.Event()
        self._free = 0
        # A writer works for many requests, so it is not within any one of them.
        self._tasks = [
            loop.create_task(self._write_forever(), context=Context()) for _ in range(WRITERS)
        ]

    async def close(self) -> None:
        """Write what waits, then let the connections go."""
        left = [one.answer for one in self._waiting]
        await asyncio.gather(*left, return_exceptions=True)
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._loop = None

    async def _write_forever(self) -> None:
        line = _Line(self._connect)
        try:
            while True:
                group = await self._gather()
                if group:
                    await self._write(line, group)
        finally:
            await line.let_go()

    async def _gather(self) -> list[_Waiting]:
        """Whoever arrives within two milliseconds, or at once if that is enough.

        Writers that are free at the same time share who waits. An atomic submission goes alone.
        """
        self._free += 1
        await self._arrived.wait()
        if self._rows_waiting < ENOUGH_ROWS:
            await asyncio.sleep(GATHER_SECONDS)
        # One group of all who wait would leave this process idle until it is committed.
        share = math.ceil(len(self._waiting) / self._free)
        self._free -= 1
        group = self._take_turns(share)
        if not self._waiting:
            self._arrived.clear()
        return [one for one in group if not one.answer.done()]

    def _take_turns(self, share: int) -> list[_Waiting]:
        group: list[_Waiting] = []
        rows = 0
        while len(group) < share and rows < MOST_ROWS_TOGETHER:
            turn = self._waiting.peek()
            if turn is None or (turn[1].submission.is_atomic and group):
                break
            party, first = turn
            self._waiting.take(party)
            self._forget_rows(first)
            group.append(first)
            rows += first.size
            if first.submission.is_atomic:
                break
        return group

    def _forget_rows(self, one: _Waiting) -> None:
        party = one.submission.organization_id
        self._rows_waiting -= one.size
        self._rows_of[party] -= one.size
        if self._rows_of[party] == 0:
            del self._rows_of[party]

    async def _write(self, line: _Line, group: Sequence[_Waiting]) -> None:
        """Every caller of the group is answered, whatever happens."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                connection = await line.connection()
                answers = await self._ingest(connection, [one.submission for one in group])
        except _Unreachable as unreachable:
            # Whoever waits behind this group would only wait for the same answer.
            log.warning("usage_database_unreachable", error=type(unreachable.__cause__).__name__)
            _fail([*group, *self._give_up_waiting()], Unavailable(_AWAY))
        except (OperationalError, TimeoutError) as error:
            log.warning("usage_database_unavailable", error=type(error).__name__)
            _fail(group, Unavailable(_AWAY))
            await line.let_go()
        except asyncio.CancelledError:
            _fail(group, Unavailable("The service is shutting down; repeat the request."))
            raise
        except Exception as error:  # noqa: BLE001  (handed to the caller, whose edge logs it)
            await self._write_one_by_one(line, group, error)
        else:
            for one, results in zip(group, answers, strict=True):
                self._count(results)
                self._tail.tell(one.submission, results, self._now())
                if not one.answer.done():
                    one.answer.set_result(results)

    def _give_up_waiting(self) -> list[_Waiting]:
        given_up = list(self._waiting)
        self._waiting.clear()
        self._rows_waiting = 0
        self._rows_of.clear()
        self._arrived.clear()
        return given_up

    async def _write_one_by_one(
        self, line: _Line, group: Sequence[_Waiting], error: Exception
    ) -> None:
        """One bad submission does not take the others of its group with it."""
        await line.let_go()
        if len(group) == 1:
            _fail(group, error)
            return
        for one in group:
            await self._write(line, [one])

    async def _ingest(
        self, connection: AsyncConnection, submissions: Sequence[Submission]
    ) -> list[list[EventResult]]:
        attempt = 1
        while True:
            try:
                return await ingest(
                    connection,
                    submissions,
                    months=self._months,
                    now=self._now(),
                    terms=self._terms,
                )
            except (DeadlockDetected, SerializationFailure, CheckViolation) as error:
                if attempt == ATTEMPTS:
                    raise
                log.warning("usage_write_repeated", error=type(error).__name__, attempt=attempt)
            # A partition that somebody dropped is made again.
            self._months = PartitionCache()
            # Two that met each other do not come back at the same instant.
            share = 0.5 + secrets.randbelow(1_000) / 1_000
            await asyncio.sleep(GATHER_SECONDS * 2**attempt * share)
            attempt += 1


class _Line:
    """One writer's connection, made when it is needed."""

    def __init__(self, connect: Callable[[], Awaitable[AsyncConnection]]) -> None:
        self._connect = connect
        self._connection: AsyncConnection | None = None
        self._used_at = 0.0

    async def connection(self) -> AsyncConnection:
        """One that works. Raises _Unreachable when no connection can be made."""
        now = asyncio.get_running_loop().time()
        if self._connection is not None and not await still_works(
            self._connection, rests_since=self._used_at
        ):
            self._connection = None
        self._used_at = now
        if self._connection is None:
            try:
                self._connection = await self._connect()
            except OperationalError as error:
                raise _Unreachable from error
        return self._connection

    async def let_go(self) -> None:
        """The connection is closed; the next use makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await let_go(connection)


def _fail(group: Sequence[_Waiting], error: Exception) -> None:
    for one in group:
        if not one.answer.done():
            one.answer.set_exception(error)
