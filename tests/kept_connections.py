"""Connections of an event loop that outlive the applications they were made for.

A new one reads the database's catalogue anew, table by table, and plans every statement: for an
application that answers a handful of requests this takes longer than the requests.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from sqlalchemy import URL

from repositories.asynchronous.connections import connect, is_disturbed

Result = TypeVar("Result")

_Key = tuple[str | None, asyncio.AbstractEventLoop]

_RESTING: Final[defaultdict[_Key, list[AsyncConnection]]] = defaultdict(list)
"""What nobody uses at the moment, by database and loop."""

_HERE: Final = threading.local()


async def connect_kept(
    address: URL, *, name: str = "fluxrate usage", answer_seconds: float | None = None
) -> AsyncConnection:
    """As ``connect``; a connection that is closed in a good state rests here until it is wanted."""
    resting = _RESTING[address.database, asyncio.get_running_loop()]
    while resting:
        connection = resting.pop()
        if is_disturbed(connection):
            connection.pgconn.finish()
            continue
        await connection.execute("RESET plan_cache_mode")
        connection.answer_seconds = answer_seconds  # type: ignore[attr-defined]  # one of ours
        return connection
    connection = await connect(address, name=name, answer_seconds=answer_seconds)
    end = connection.close

    async def rest() -> None:
        if connection.closed or not _is_idle(connection):
            await end()
        elif connection not in resting:
            resting.append(connection)

    connection.close = rest  # type: ignore[method-assign]  # only of this one
    return connection


def run_here(work: Coroutine[Any, Any, Result]) -> Result:
    """What comes of it in an event loop that this thread keeps, and its connections with it."""
    loop: asyncio.AbstractEventLoop | None = getattr(_HERE, "loop", None)
    if loop is None:
        loop = _HERE.loop = asyncio.new_event_loop()
    return loop.run_until_complete(work)


def forget_connections(database: str) -> None:
    """Those that rest are closed: their database goes."""
    for key in [key for key in _RESTING if key[0] == database]:
        for connection in _RESTING.pop(key):
            connection.pgconn.finish()


def _is_idle(connection: AsyncConnection) -> bool:
    status = connection.info.transaction_status
    return status is TransactionStatus.IDLE and not is_disturbed(connection)
