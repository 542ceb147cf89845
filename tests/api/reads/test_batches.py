"""Reads that share a statement: everybody gets their own answer, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from functools import partial
from uuid import UUID, uuid4

import pytest
import structlog
from psycopg import AsyncConnection
from psycopg.errors import DataError
from sqlalchemy import make_url

from api.reads import batches
from api.reads.batches import ANSWER_SECONDS, MOST_TOGETHER, BatchedReads
from api.reads.connections import ReadConnections
from billing.errors import Unavailable
from repositories.asynchronous.connections import connect
from tests.stopwatch import Stopwatch

BAD, CUT_OFF, TOO_MUCH = -1, -2, -3
SHOP, OFFICE = uuid4(), uuid4()


class Doubling:
    """Doubles numbers in the database, and keeps which were asked together."""

    def __init__(self, database_url: str) -> None:
        self.groups: list[tuple[UUID, tuple[int, ...]]] = []
        self.hangs = False
        self.ids: list[object] = []
        self.connections = ReadConnections(partial(connect, make_url(database_url)))
        self.reads = BatchedReads(self.connections, self._read)
        self.unlike = BatchedReads(self.connections, self._read, unlike=True)
        self.shared = BatchedReads(self.connections, self._read, readers=3, of_one=2)
        self.ask = self.reads.ask

    def begun_for(self, organization_id: UUID) -> int:
        return sum(whose == organization_id for whose, _ in self.groups)

    async def _read(
        self, connection: AsyncConnection, organization_id: UUID, numbers: Sequence[int]
    ) -> Sequence[int]:
        self.groups.append((organization_id, tuple(numbers)))
        self.ids.append(structlog.contextvars.get_contextvars().get("request_id"))
        if BAD in numbers:
            raise DataError("a bad question")
        if CUT_OFF in numbers:
            with socket.socket(fileno=os.dup(connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)
        if self.hangs or TOO_MUCH in numbers:
            await connection.execute("SELECT pg_sleep(60)")
        cursor = await connection.execute(
            "SELECT number * 2 FROM unnest(%s::int[]) WITH ORDINALITY AS asked(number, place)"
            " ORDER BY place",
            [list(numbers)],
        )
        return [row[0] for row in await cursor.fetchall()]


@pytest.fixture
async def doubling(module_database_url: str) -> AsyncIterator[Doubling]:
    made = Doubling(module_database_url)
    yield made
    await made.reads.close()
    await made.unlike.close()
    await made.shared.close()
    await made.connections.close()


async def test_everybody_gets_their_own_answer_in_few_statements(doubling: Doubling) -> None:
    answers = await asyncio.gather(*(doubling.ask(SHOP, number) for number in range(64)))

    assert answers == [2 * number for number in range(64)]
    assert sorted(number for _, group in doubling.groups for number in group) == list(range(64))
    assert len(doubling.groups) < 10


async def test_organizations_never_share_a_statement(doubling: Doubling) -> None:
    asked = [(SHOP if number % 2 else OFFICE, number) for number in range(40)]

    answers = await asyncio.gather(*(doubling.ask(*one) for one in asked))

    assert answers == [2 * number for _, number in asked]
    assert {(one, number) for one, group in doubling.groups for number in group} == set(asked)


async def test_a_statement_answers_a_bounded_number(doubling: Doubling) -> None:
    await asyncio.gather(*(doubling.ask(SHOP, number) for number in range(5 * MOST_TOGETHER)))

    assert max(len(group) for _, group in doubling.groups) <= MOST_TOGETHER


async def test_bad_question_does_not_take_the_others_with_it(doubling: Doubling) -> None:
    answers = await asyncio.gather(
        *(doubling.ask(SHOP, number) for number in (1, BAD, 3)), return_exceptions=True
    )

    assert answers[0] == 2
    assert isinstance(answers[1], DataError)
    assert answers[2] == 6


async def test_who_asks_too_much_does_not_take_the_others_with_them(
    doubling: Doubling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ANSWER_SECONDS", 180.0)
    too_much = asyncio.ensure_future(doubling.unlike.ask(SHOP, TOO_MUCH))

    answers = await asyncio.gather(*(doubling.unlike.ask(SHOP, number) for number in range(8)))

    assert answers == [2 * number for number in range(8)]
    assert any(TOO_MUCH in group and len(group) > 1 for _, group in doubling.groups)
    assert not too_much.done()
    too_much.cancel()


async def test_nobody_is_left_waiting_whenever_they_ask(doubling: Doubling) -> None:
    async def ask_later(number: int) -> int:
        # Some ask in the very step in which a reader finds nothing more to do.
        for _ in range(number % 7):
            await asyncio.sleep(0)
        first = await doubling.ask(SHOP, number)
        return await doubling.ask(SHOP, first)

    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(ask_later(number) for number in range(300)))

    assert answers == [4 * number for number in range(300)]


async def test_caller_who_left_changes_nothing_for_the_others(doubling: Doubling) -> None:
    leaving = asyncio.ensure_future(doubling.ask(SHOP, 1))
    staying = asyncio.ensure_future(doubling.ask(SHOP, 2))
    await asyncio.sleep(0)

    leaving.cancel()

    assert await staying == 4
    assert Counter(number for _, group in doubling.groups for number in group)[2] == 1


async def test_nobody_waits_in_line_for_a_silent_database() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        silent = Doubling(f"postgresql://nobody@127.0.0.1:{server.getsockname()[1]}/nothing")
        watch = Stopwatch()

        answers = await asyncio.gather(
            *(silent.ask(SHOP, number) for number in range(10 * MOST_TOGETHER)),
            return_exceptions=True,
        )

    assert all(isinstance(one, Unavailable) for one in answers)
    assert watch.seconds() < 4


async def test_statement_that_hangs_holds_nobody_up_for_long(doubling: Doubling) -> None:
    doubling.hangs = True
    watch = Stopwatch()

    answers = await asyncio.gather(
        *(doubling.ask(uuid4(), number) for number in range(200)), return_exceptions=True
    )

    assert all(isinstance(one, Unavailable) for one in answers)
    assert watch.seconds() < ANSWER_SECONDS + 1
    doubling.hangs = False
    assert await doubling.ask(SHOP, 21) == 42
    # Nobody asks for those who have left.
    assert len(doubling.groups) < 20


async def test_connection_that_breaks_fails_only_those_who_shared_it(doubling: Doubling) -> None:
    organizations = [uuid4() for _ in range(20)]

    answers = await asyncio.gather(
        doubling.ask(SHOP, CUT_OFF),
        *(doubling.ask(one, 4) for one in organizations),
        return_exceptions=True,
    )

    assert isinstance(answers[0], Unavailable)
    assert answers[1:] == [8] * 20


async def test_who_asks_for_much_leaves_a_reader_to_others(
    doubling: Doubling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "ANSWER_SECONDS", 180.0)
    much = [asyncio.ensure_future(doubling.shared.ask(SHOP, TOO_MUCH)) for _ in range(3)]
    # Each reader opens a connection of its own first, in no order.
    async with asyncio.timeout(60):
        while doubling.begun_for(SHOP) < 2:  # noqa: ASYNC110  (nothing says so)
            await asyncio.sleep(0.01)

    answers = await asyncio.gather(*(doubling.shared.ask(OFFICE, number) for number in range(5)))

    assert answers == [2 * number for number in range(5)]
    assert doubling.begun_for(SHOP) == 2
    assert not any(one.done() for one in much)
    for one in much:
        one.cancel()


async def test_reader_belongs_to_no_request(doubling: Doubling) -> None:
    with structlog.contextvars.bound_contextvars(request_id="req_of_somebody"):
        await asyncio.gather(*(doubling.ask(SHOP, number) for number in range(10)))

    assert set(doubling.ids) == {None}


async def test_those_who_come_together_are_shared_among_all_who_may_work_for_them(
    doubling: Doubling,
) -> None:
    answers = await asyncio.gather(*(doubling.shared.ask(SHOP, number) for number in range(3)))

    assert answers == [0, 2, 4]
    assert sorted(len(numbers) for _, numbers in doubling.groups) == [1, 2]
