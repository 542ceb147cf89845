"""Connections for reads on the event loop: no thread, no transaction of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Final

import structlog
from psycopg import AsyncConnection, OperationalError
from psycopg.pq import TransactionStatus

from api.admission.slots import Admission
from api.idle_connections import let_go, still_works
from billing.errors import Unavailable

log = structlog.get_logger(__name__)

MOST_CONNECTIONS: Final = 4

_AWAY: Final = "The database does not answer; repeat the request."


class Unreachable(Unavailable):
    """No connection to the database can be made."""


class ReadConnections:
    """Lends a few connections, each to one reader at a time, and never all of them to one party.

    Parties that wait take turns, as they do for request slots. Connections belong to the event loop
    that borrows; those of a loop that has ended are let go.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[AsyncConnection]], *, plans_for_growth: bool = False
    ) -> None:
        """``plans_for_growth``: a plan that was made while a table was empty stays good."""
        self._connect = connect
        self._plans_for_growth = plans_for_growth
        self._loop: asyncio.AbstractEventLoop | None = None
        self._slots = Admission(MOST_CONNECTIONS, of_one=MOST_CONNECTIONS - 1)
        self._resting: list[tuple[AsyncConnection, float]] = []

    @asynccontextmanager
    async def lend(self, party: Hashable) -> AsyncIterator[AsyncConnection]:
        """A connection that works, while the block runs. Raises Unavailable within two seconds."""
        self._follow_loop()
        async with self._slots.admit(party):
            try:
                connection = await self._take()
                try:
                    yield connection
                finally:
                    await self._put_back(connection)
            except OperationalError as error:
                log.warning("database_unavailable", error=type(error).__name__)
                raise Unavailable(_AWAY, code="database_unavailable") from error

    async def close(self) -> None:
        """Let the connections go."""
        resting, self._resting = self._resting, []
        for connection, _ in resting:
            await connection.close()

    def _follow_loop(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        for connection, _ in self._resting:
            connection.pgconn.finish()
        self._loop = loop
        self._resting = []

    async def _take(self) -> AsyncConnection:
        while self._resting:
            connection, rests_since = self._resting.pop()
            if await still_works(connection, rests_since=rests_since):
                return connection
        try:
            connection = await self._connect()
        except OperationalError as error:
            log.warning("database_unreachable", error=type(error).__name__)
            raise Unreachable(_AWAY, code="database_unavailable") from error
        # Few statements, asked again and again: planning each anew costs more than it saves.
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        if self._plans_for_growth:
            # What is read here is of one customer: whole tables are read by plans alone that were
            # made while there was nothing in them, and that stay until statistics change.
            await connection.execute("SET enable_seqscan = off")
        return connection

    async def _put_back(self, connection: AsyncConnection) -> None:
        # A reader that gave up leaves a statement behind, which must answer nobody else.
        if connection.info.transaction_status is not TransactionStatus.IDLE:
            await let_go(connection)
        else:
            self._resting.append((connection, asyncio.get_running_loop().time()))
