"""Connections of event loops to shared databases, which outlive whom they were made for.

A new one reads the database's catalogue table by table and plans every statement anew: for an
application that answers a handful of requests this takes longer than the requests.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, TypeVar

import pytest
import uvloop
from anyio.from_thread import BlockingPortal
from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from sqlalchemy import URL

from repositories.asynchronous.connections import connect, is_disturbed

Result = TypeVar("Result")

_DATABASES: Final[set[str | None]] = set()
"""Those that last as long as this process."""

_LOOPS: Final[set[asyncio.AbstractEventLoop]] = set()
"""The event loops that do."""

_RESTING: Final[
    defaultdict[tuple[str | None, asyncio.AbstractEventLoop], list[AsyncConnection]]
] = defaultdict(list)
"""What nobody uses at the moment, by database and loop."""

_UNSET: Final = b"RESET plan_cache_mode; RESET enable_seqscan"
"""What those who read set for themselves (``api.reads.connections``)."""


def keep_connections_to(database: str | None) -> None:
    """The database lasts as long as this process."""
    _DATABASES.add(database)


def keep_connections_on(loop: asyncio.AbstractEventLoop) -> None:
    """The loop lasts as long as this process."""
    _LOOPS.add(loop)


@contextmanager
def keeping_connections_on(portal: BlockingPortal) -> Iterator[None]:
    """Applications in this loop, which lasts as long as the process, take kept connections."""

    async def keep() -> None:
        keep_connections_on(asyncio.get_running_loop())

    portal.call(keep)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.context.connect", connect_kept)
        yield


async def connect_kept(
    address: URL, *, name: str = "fluxrate usage", answer_seconds: float | None = None
) -> AsyncConnection:
    """As ``connect``; where database and loop last, one that is closed while idle rests instead."""
    loop = asyncio.get_running_loop()
    if address.database not in _DATABASES or loop not in _LOOPS:
        return await connect(address, name=name, answer_seconds=answer_seconds)
    resting = _RESTING[address.database, loop]
    while resting:
        connection = resting.pop()
        if _is_as_new(connection):
            await connection.execute(_UNSET, prepare=False)
            connection.answer_seconds = answer_seconds  # type: ignore[attr-defined]  # one of ours
            return connection
        connection.pgconn.finish()
    connection = await connect(address, name=name, answer_seconds=answer_seconds)
    end = connection.close

    async def rest() -> None:
        if not _is_as_new(connection):
            await end()
        elif all(one is not connection for one in resting):
            resting.append(connection)

    connection.close = rest  # type: ignore[method-assign]  # of this one alone
    return connection


def resting_at(database: str) -> set[int]:
    """The server's processes for the connections to it that rest."""
    return {
        connection.info.backend_pid
        for (name, _), resting in _RESTING.items()
        for connection in resting
        if name == database and not connection.closed
    }


def run_here(work: Coroutine[Any, Any, Result]) -> Result:
    """What comes of it in an event loop that the tests' thread keeps, and others make anew."""
    if threading.current_thread() is not threading.main_thread():
        return asyncio.run(work)
    return _loop_of_tests().run_until_complete(work)


@cache
def _loop_of_tests() -> asyncio.AbstractEventLoop:
    loop = uvloop.new_event_loop()
    keep_connections_on(loop)
    return loop


def _is_as_new(connection: AsyncConnection) -> bool:
    if connection.closed or is_disturbed(connection):
        return False
    return connection.info.transaction_status is TransactionStatus.IDLE
