"""No more requests work at once than there are database connections for them.

A request holds a connection while it waits for a thread to run in; if others held all threads
waiting for a connection, neither would get on. So they wait here, on the event loop, for a while.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from billing.errors import Unavailable

WAITING_SECONDS = 2.0
MOST_AT_ONCE = 32
"""Fewer than the threads that the framework runs routes in (40), so that one is always free."""


class Admission:
    """Lets ``connections`` requests in at once; the others wait, and at most two seconds."""

    def __init__(self, connections: int, *, waiting_seconds: float = WAITING_SECONDS) -> None:
        self._places = max(1, min(connections, MOST_AT_ONCE))
        self._waiting_seconds = waiting_seconds
        self._free: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            WeakKeyDictionary()
        )

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """A place, while the block runs. Raises: Unavailable ``too_busy``."""
        loop = asyncio.get_running_loop()
        free = self._free.setdefault(loop, asyncio.Semaphore(self._places))
        try:
            async with asyncio.timeout(self._waiting_seconds):
                await free.acquire()
        except TimeoutError as error:
            raise Unavailable(
                "Too many requests are waiting; repeat this one.", code="too_busy"
            ) from error
        try:
            yield
        finally:
            free.release()
