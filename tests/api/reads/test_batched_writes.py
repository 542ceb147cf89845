"""What is written together: nothing twice at once, and nothing for whoever heard no."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import partial
from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from sqlalchemy import make_url

from api.reads.batches import READERS, BatchedReads, InDoubt
from api.reads.connections import ReadConnections
from billing.errors import Unavailable
from repositories.asynchronous.connections import connect

SHOP, OFFICE = uuid4(), uuid4()


def shelf_of(number: int) -> int:
    """What a number wants to be written on."""
    return number % 6


class Writing:
    """Writes numbers down, slowly or without an end, each on its shelf."""

    def __init__(self, database_url: str) -> None:
        self.seconds = 0.0
        self.written: list[int] = []
        self.under_way: list[tuple[UUID, int]] = []
        self.groups_under_way = 0
        self.most_under_way = 0
        self.overlapped = False
        self.connections = ReadConnections(partial(connect, make_url(database_url)))
        self.writes = BatchedReads(
            self.connections, self._write, most_together=3, writes_to=shelf_of
        )
        self.ask = self.writes.ask

    async def _write(
        self, connection: AsyncConnection, organization_id: UUID, numbers: Sequence[int]
    ) -> Sequence[int]:
        wanted = {(organization_id, shelf_of(one)) for one in numbers}
        self.overlapped = self.overlapped or not wanted.isdisjoint(self.under_way)
        self.under_way += wanted
        self.groups_under_way += 1
        self.most_under_way = max(self.most_under_way, self.groups_under_way)
        try:
            assert len(numbers) <= 3
            await connection.execute("SELECT pg_sleep(%s)", [self.seconds])
            self.written += numbers
            return numbers
        finally:
            self.groups_under_way -= 1
            for one in wanted:
                self.under_way.remove(one)


@pytest.fixture
async def writing(module_database_url: str) -> AsyncIterator[Writing]:
    made = Writing(module_database_url)
    yield made
    await made.writes.close()
    await made.connections.close()


async def test_nothing_is_written_for_whoever_is_told_unavailable(writing: Writing) -> None:
    writing.seconds = 1.2

    answers = await asyncio.gather(
        *(writing.ask(SHOP, number) for number in range(24)), return_exceptions=True
    )
    # Whoever is told so repeats the request only then.
    await asyncio.sleep(2 * writing.seconds)

    refused = {
        number
        for number, answer in enumerate(answers)
        if isinstance(answer, Unavailable) and not isinstance(answer, InDoubt)
    }
    assert refused
    assert refused.isdisjoint(writing.written)


async def test_writing_without_an_end_is_in_doubt(writing: Writing) -> None:
    writing.seconds = 600

    with pytest.raises(InDoubt):
        await writing.ask(SHOP, 1)


async def test_what_writes_elsewhere_does_not_wait_and_what_writes_the_same_keeps_its_order(
    writing: Writing,
) -> None:
    writing.seconds = 0.1

    answers = await asyncio.gather(*(writing.ask(SHOP, number) for number in range(18)))

    assert answers == list(range(18))
    assert not writing.overlapped
    assert writing.most_under_way == READERS
    for shelf in range(6):
        same = [one for one in writing.written if shelf_of(one) == shelf]
        assert same == sorted(same)


async def test_organizations_are_written_for_apart(writing: Writing) -> None:
    writing.seconds = 0.1

    answers = await asyncio.gather(
        *(writing.ask((SHOP, OFFICE)[number % 2], number) for number in range(18))
    )

    assert answers == list(range(18))
    assert not writing.overlapped
    assert writing.most_under_way == READERS
