"""Connections that are kept open between uses: whether one still works, and how it is let go."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from psycopg import AsyncConnection, Error

from repositories.asynchronous.connections import is_disturbed

IDLE_SECONDS: Final = 1.0
"""A connection that rested longer is asked for a sign of life before it is used."""


async def still_works(connection: AsyncConnection, *, rests_since: float) -> bool:
    """Whether the connection can be used: a restart of the database meanwhile goes unnoticed.

    One that does not is let go. Units: seconds of the event loop's clock.
    """
    rested = asyncio.get_running_loop().time() - rests_since
    if rested <= IDLE_SECONDS and not is_disturbed(connection):
        return True
    try:
        await connection.execute("SELECT 1")
    except Error:
        await let_go(connection)
        return False
    return True


async def let_go(connection: AsyncConnection) -> None:
    """The connection is closed, whatever state it was in."""
    with suppress(Error):
        await connection.close()
