"""Statements that are shared: whoever asks while all readers are busy is answered together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from contextvars import Context
from itertools import chain
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from psycopg import AsyncConnection

from api.reads.connections import ReadConnections, Unreachable
from billing.errors import Unavailable
from repositories.asynchronous.document_reads import DocumentRead

READERS: Final = 2
MOST_TOGETHER: Final = 100
DOCUMENTS_TOGETHER: Final = 20
DOCUMENT_READERS: Final = 3
ANSWER_SECONDS: Final = 2.0
"""Nobody waits longer, and no statement takes longer."""
SHARED_SECONDS: Final = 1.0
"""Where one question may be too much, a statement for several takes no longer."""
DOUBT_SECONDS: Final = 3.0
"""Those wait longer for whom a statement writes: until it has ended, or the server is silent."""

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class InDoubt(Unavailable):
    """A statement that writes was begun, and nobody knows whether it took effect."""


class BatchedReads(Generic[Question, Answer]):
    """Answers questions of one organization together, in one statement.

    ``read`` answers them in their order. Nobody waits for company: a reader that is free begins at
    once, and those that are free at the same time share who asks. Where one question may take
    ``unlike`` the others, each is asked alone again when they take long together.

    Of ``readers`` no more than ``of_one`` work for one organization. Where the statement writes,
    ``writes_to`` names what each question wants to write: no two that want the same are under way
    in different statements; and whoever is told that they are unavailable can be sure that nothing
    was written for them: those of a statement that was begun wait for it, or are in doubt.
    """

    def __init__(
        self,
        connections: ReadConnections,
        read: Callable[[AsyncConnection, UUID, Sequence[Question]], Awaitable[Sequence[Answer]]],
        *,
        most_together: int = MOST_TOGETHER,
        readers: int = READERS,
        of_one: int = READERS,
        writes_to: Callable[[Question], Hashable] | None = None,
        unlike: bool = False,
    ) -> None:
        self._connections = connections
        self._read = read
        self._most_together = most_together
        self._most_readers = readers
        self._of_one = of_one
        self._writes_to = writes_to
        self._unlike = unlike
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked: dict[UUID, list[_Asked[Question, Answer]]] = {}
        self._under_way: Counter[UUID] = Counter()
        self._written: set[tuple[UUID, Hashable]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._readers = 0
        self._free = 0

    async def ask(self, organization_id: UUID, question: Question) -> Answer:
        """The answer, read after it was asked for.

        Raises Unavailable within two seconds, InDoubt within five, and what ``read`` raises.
        """
        loop = self._follow_loop()
        asked: _Asked[Question, Answer] = _Asked(question, loop)
        self._asked.setdefault(organization_id, []).append(asked)
        if self._readers < self._most_readers and self._may_begin(organization_id, asked):
            self._readers += 1
            self._free += 1
            # A reader works for many requests, so it is not within any one of them.
            task = loop.create_task(self._read_all(), context=Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        asked.fail_later(late(), ANSWER_SECONDS)
        try:
            return await asked.answer
        finally:
            asked.stop_failing()

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
            self._under_way, self._written = Counter(), set()
        return loop

    async def _read_all(self) -> None:
        while (organization_id := self._find_next()) is not None:
            together = self._take(organization_id)
            if together:
                written = self._written_by(organization_id, together)
                self._written |= written
                self._free -= 1
                self._under_way[organization_id] += 1
                await self._answer(organization_id, together)
                self._under_way[organization_id] -= 1
                if not self._under_way[organization_id]:
                    del self._under_way[organization_id]
                self._free += 1
                self._written -= written
        self._free -= 1
        self._readers -= 1

    def _find_next(self) -> UUID | None:
        """Whose turn it is, if anybody waits whose share of the readers is not at work."""
        for organization_id, asked in self._asked.items():
            if any(self._may_begin(organization_id, one) for one in asked):
                return organization_id
        return None

    def _may_begin(self, organization_id: UUID, one: _Asked[Question, Answer]) -> bool:
        """Whether one more may work for them, and no statement writes what this one wants to."""
        if self._under_way[organization_id] >= self._of_one:
            return False
        if self._writes_to is None:
            return True
        return (organization_id, self._writes_to(one.question)) not in self._written

    def _written_by(
        self, organization_id: UUID, asked: Sequence[_Asked[Question, Answer]]
    ) -> set[tuple[UUID, Hashable]]:
        if self._writes_to is None:
            return set()
        return {(organization_id, self._writes_to(one.question)) for one in asked}

    def _take(self, organization_id: UUID) -> Sequence[_Asked[Question, Answer]]:
        """Those of an organization's that are answered now, in their order."""
        asked = [one for one in self._asked.pop(organization_id) if not one.answer.done()]
        ready = [one for one in asked if self._may_begin(organization_id, one)]
        rest = [one for one in asked if not self._may_begin(organization_id, one)]
        free = min(self._free, self._of_one - self._under_way[organization_id])
        share = min(self._most_together, -(-len(ready) // free))
        together, rest = ready[:share], [*ready[share:], *rest]
        if rest:
            # Behind the other organizations, whose turn it is.
            self._asked[organization_id] = rest
        return together

    def _begin(self, together: Sequence[_Asked[Question, Answer]]) -> None:
        """Who asks to have something written does not leave any more before that is done."""
        if self._writes_to is not None:
            for one in together:
                one.fail_later(in_doubt(), DOUBT_SECONDS)

    def _outcome_of(self, error: Unavailable | TimeoutError) -> Unavailable:
        if self._writes_to is not None:
            return in_doubt()
        return late() if isinstance(error, TimeoutError) else error

    async def _answer(
        self,
        organization_id: UUID,
        together: Sequence[_Asked[Question, Answer]],
        *,
        seconds: float = ANSWER_SECONDS,
    ) -> None:
        asks_again = self._unlike and len(together) > 1
        self._begin(together)
        questions = [one.question for one in together]
        # Organizations have their turns here; where one may take long, they have them there too.
        party = organization_id if self._unlike else self
        try:
            async with (
                asyncio.timeout(SHARED_SECONDS if asks_again else seconds),
                self._connections.lend(party) as connection,
            ):
                answers = await self._read(connection, organization_id, questions)
        except Unreachable as error:
            # Whoever waits behind these would only wait for the same answer.
            waiting, self._asked = self._asked, {}
            _fail(chain(together, *waiting.values()), error)
        except (Unavailable, TimeoutError) as error:
            if not asks_again or isinstance(error, Unavailable):
                _fail(together, self._outcome_of(error))
                return
            # Whoever is too much is late alone, beside the others and not before them.
            left = ANSWER_SECONDS - SHARED_SECONDS
            await asyncio.gather(
                *(self._answer(organization_id, [one], seconds=left) for one in together)
            )
        except Exception as error:  # noqa: BLE001  (handed to whoever asked)
            if len(together) == 1:
                together[0].fail(error)
                return
            # One bad question does not take the others with it.
            for one in together:
                if not one.answer.done():
                    await self._answer(organization_id, [one])
        else:
            for one, answer in zip(together, answers, strict=True):
                one.succeed(answer)


class DocumentBatches:
    """Reads of one thing each, of which those of a moment share a statement, kind by kind.

    Documents are large and small: an organization that reads large ones leaves a reader to others.
    """

    def __init__(self, connections: ReadConnections) -> None:
        self._connections = connections
        self._reads: dict[DocumentRead[Any], BatchedReads[UUID, str | None]] = {}

    async def find(
        self, read: DocumentRead[Any], organization_id: UUID, identifier: UUID
    ) -> str | None:
        """The document of an id, if there is one. Raises Unavailable within two seconds."""
        batched = self._reads.get(read)
        if batched is None:
            batched = self._reads[read] = BatchedReads(
                self._connections,
                read.find,
                most_together=DOCUMENTS_TOGETHER,
                readers=DOCUMENT_READERS,
                of_one=DOCUMENT_READERS - 1,
                unlike=True,
            )
        return await batched.ask(organization_id, identifier)

    async def close(self) -> None:
        """Whoever still waits is not answered."""
        for batched in self._reads.values():
            await batched.close()


class _Asked(Generic[Question, Answer]):
    """A question whose caller waits, unless they left."""

    __slots__ = ("answer", "giving_up", "loop", "question")

    def __init__(self, question: Question, loop: asyncio.AbstractEventLoop) -> None:
        self.question = question
        self.loop = loop
        self.answer: asyncio.Future[Answer] = loop.create_future()
        self.giving_up: asyncio.Handle | None = None

    def fail_later(self, error: Exception, seconds: float) -> None:
        """Unless there is an answer by then. What was to be said at another time is not said."""
        self.stop_failing()
        self.giving_up = self.loop.call_later(seconds, self.fail, error)

    def stop_failing(self) -> None:
        """What was to be said later is not said."""
        if self.giving_up is not None:
            self.giving_up.cancel()

    def succeed(self, answer: Answer) -> None:
        if not self.answer.done():
            self.answer.set_result(answer)

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


def in_doubt() -> InDoubt:
    """What becomes of a question whose statement was begun, and is not known to have ended."""
    return InDoubt(
        "The database does not answer in time; repeat the request.", code="database_unavailable"
    )
