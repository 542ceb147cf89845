"""Reads that share a statement: whoever asks while all readers are busy is answered together."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import Context
from itertools import chain
from typing import Final, Generic, TypeVar
from uuid import UUID

from psycopg import AsyncConnection

from api.reads.connections import ReadConnections, Unreachable
from billing.errors import Unavailable

READERS: Final = 2
MOST_TOGETHER: Final = 100
ANSWER_SECONDS: Final = 2.0
"""Nobody waits longer, and no statement takes longer."""

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class BatchedReads(Generic[Question, Answer]):
    """Answers questions of one organization together, in one statement.

    ``read`` answers them in their order. Nobody waits for company: a reader that is free begins at
    once, and those that are free at the same time share who asks. With one of the ``readers`` alone
    no two statements of a process are under way together, as is best where they write.
    """

    def __init__(
        self,
        connections: ReadConnections,
        read: Callable[[AsyncConnection, UUID, Sequence[Question]], Awaitable[Sequence[Answer]]],
        *,
        readers: int = READERS,
    ) -> None:
        self._connections = connections
        self._read = read
        self._most_readers = readers
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked: dict[UUID, list[_Asked[Question, Answer]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._readers = 0
        self._free = 0

    async def ask(self, organization_id: UUID, question: Question) -> Answer:
        """The answer, read after it was asked for.

        Raises Unavailable within two seconds, and whatever ``read`` raises.
        """
        loop = self._follow_loop()
        asked: _Asked[Question, Answer] = _Asked(question, loop.create_future())
        self._asked.setdefault(organization_id, []).append(asked)
        if self._readers < self._most_readers:
            self._readers += 1
            self._free += 1
            # A reader works for many requests, so it is not within any one of them.
            task = loop.create_task(self._read_all(), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        giving_up = loop.call_later(ANSWER_SECONDS, asked.give_up)
        try:
            return await asked.answer
        finally:
            giving_up.cancel()

    async def close(self) -> None:
        """End the readers; whoever still waits is not answered."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._loop = None

    def _follow_loop(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            # Another loop's readers and callers ended with it.
            self._loop, self._asked, self._readers, self._free = loop, {}, 0, 0
        return loop

    async def _read_all(self) -> None:
        while self._asked:
            organization_id, everybody = next(iter(self._asked.items()))
            asked = [one for one in everybody if not one.answer.done()]
            share = min(MOST_TOGETHER, math.ceil(len(asked) / self._free))
            together, rest = asked[:share], asked[share:]
            del self._asked[organization_id]
            if rest:
                # Behind the other organizations, whose turn it is.
                self._asked[organization_id] = rest
            if together:
                self._free -= 1
                await self._answer(organization_id, together)
                self._free += 1
        self._free -= 1
        self._readers -= 1

    async def _answer(
        self, organization_id: UUID, together: Sequence[_Asked[Question, Answer]]
    ) -> None:
        questions = [one.question for one in together]
        # Organizations have their turns here already, so all readers are one party.
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._connections.lend(self) as connection:
                answers = await self._read(connection, organization_id, questions)
        except Unreachable as error:
            # Whoever waits behind these would only wait for the same answer.
            waiting, self._asked = self._asked, {}
            _fail(chain(together, *waiting.values()), error)
        except Unavailable as error:
            _fail(together, error)
        except TimeoutError:
            _fail(together, late())
        except Exception as error:  # noqa: BLE001  (handed to whoever asked)
            if len(together) == 1:
                together[0].fail(error)
                return
            # One bad question does not take the others with it.
            for one in together:
                await self._answer(organization_id, [one])
        else:
            for one, answer in zip(together, answers, strict=True):
                one.succeed(answer)


class _Asked(Generic[Question, Answer]):
    """A question whose caller waits, unless they left."""

    __slots__ = ("answer", "question")

    def __init__(self, question: Question, answer: asyncio.Future[Answer]) -> None:
        self.question = question
        self.answer = answer

    def succeed(self, answer: Answer) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)

    def give_up(self) -> None:
        self.fail(late())

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


def _fail(asked: Iterable[_Asked[Question, Answer]], error: Exception) -> None:
    for one in asked:
        one.fail(error)


def late() -> Unavailable:
    """What becomes of a question that is not answered in two seconds."""
    return Unavailable(
        "The database does not answer in time; repeat the request.", code="database_unavailable"
    )
