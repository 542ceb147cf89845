"""Hears what committed transactions tell of, through one connection of the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, NoReturn

import structlog
from psycopg import AsyncConnection, Error
from psycopg.sql import SQL, Identifier
from sqlalchemy import URL

from repositories.asynchronous.connections import connect

log = structlog.get_logger(__name__)

NAME: Final = "fluxrate notifications"

AGAIN_SECONDS: Final = 30.0
"""How often it is asked anew to be told, which finds a connection that is silent for being dead."""

LONGEST_PAUSE_SECONDS: Final = 5.0

Hear = Callable[[str], None]
"""Takes what a notification says, in the event loop."""


class Notifications:
    """Calls whoever waits for a channel with what each notification on it says.

    What is told while no connection holds is lost: ``missed`` is called whenever one holds again.
    """

    def __init__(
        self,
        address: URL,
        hearers: Mapping[str, Hear],
        *,
        missed: Callable[[], None],
    ) -> None:
        self._address = address
        self._hearers = hearers
        self._missed = missed

    async def run(self) -> NoReturn:
        """Listen until cancelled. A database that is away only delays it."""
        pause = 0.0
        while True:
            await asyncio.sleep(pause)
            try:
                async with await connect(self._address, name=NAME) as connection:
                    await self._listen(connection)
                    pause = 0.0
                    self._missed()
                    await self._hear(connection)
            except Error as error:
                log.warning("notifications_unreachable", error=type(error).__name__)
                pause = min(LONGEST_PAUSE_SECONDS, pause * 2 + 0.1)

    async def _listen(self, connection: AsyncConnection) -> None:
        for channel in self._hearers:
            await connection.execute(SQL("LISTEN {}").format(Identifier(channel)))

    async def _hear(self, connection: AsyncConnection) -> NoReturn:
        while True:
            async for told in connection.notifies(timeout=AGAIN_SECONDS):
                self._hearers[told.channel](told.payload)
            await self._listen(connection)
