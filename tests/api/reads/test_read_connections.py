"""Connections that reads share: whoever asks for many of them leaves one to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from uuid import UUID, uuid4

import pytest
from sqlalchemy import make_url

from api.reads.connections import MOST_CONNECTIONS, ReadConnections
from billing.errors import Unavailable
from repositories.asynchronous.connections import connect

FLOOD, OTHER = uuid4(), uuid4()


@pytest.fixture
async def connections(module_database_url: str) -> AsyncIterator[ReadConnections]:
    made = ReadConnections(partial(connect, make_url(module_database_url)))
    yield made
    await made.close()


async def read_until(connections: ReadConnections, party: UUID, end: asyncio.Event) -> None:
    async with connections.lend(party):
        await end.wait()


async def test_one_party_cannot_take_what_another_needs(connections: ReadConnections) -> None:
    end = asyncio.Event()
    flood = [asyncio.create_task(read_until(connections, FLOOD, end)) for _ in range(50)]
    await asyncio.sleep(0.2)

    async with asyncio.timeout(1), connections.lend(OTHER) as connection:
        cursor = await connection.execute("SELECT 1")
        answer = await cursor.fetchone()

    assert answer == (1,)
    assert not any(task.done() for task in flood)
    end.set()
    await asyncio.gather(*flood)


async def test_whoever_waits_for_two_seconds_is_sent_away(connections: ReadConnections) -> None:
    end = asyncio.Event()
    flood = [
        asyncio.create_task(read_until(connections, FLOOD, end))
        for _ in range(MOST_CONNECTIONS - 1)
    ]
    await asyncio.sleep(0.2)

    with pytest.raises(Unavailable) as caught:
        async with connections.lend(FLOOD):
            pass

    assert caught.value.code == "too_busy"
    end.set()
    await asyncio.gather(*flood)
