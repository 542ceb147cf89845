"""Threads for what computes, a few at a time, whoever waits for them.

Who waits, waits here, in turns by party, where it holds neither a connection nor a thread that
others need.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from typing import Final, TypeVar

from api.admission.slots import Admission

THREADS: Final = 2 if (os.cpu_count() or 1) >= 4 else 1
"""Never more than two (CONTRACT 101), and never all processors of a small machine."""

WAITING_SECONDS: Final = 10.0
MOST_WAITING: Final = 32
"""How many of one party wait; as many take a few seconds."""

Answer = TypeVar("Answer")


class ComputingThreads:
    """Runs what computes, one or two at a time. Raises Unavailable ``too_busy``."""

    def __init__(self, name: str) -> None:
        self._line = Admission(
            THREADS, of_one=THREADS, waiting_seconds=WAITING_SECONDS, most_waiting=MOST_WAITING
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=name)

    async def run(
        self,
        do: Callable[[], Answer],
        *,
        party: Hashable,
        leaving: asyncio.Future[None] | None = None,
    ) -> Answer:
        """What ``do`` returns, which had a thread of its own meanwhile."""
        async with self.turn(party, leaving=leaving):
            return await self.compute(do)

    def turn(
        self, party: Hashable, *, leaving: asyncio.Future[None] | None = None
    ) -> AbstractAsyncContextManager[None]:
        """A thread is the party's while the block runs, which may :meth:`compute` in it."""
        return self._line.admit(party, leaving=leaving)

    async def compute(self, do: Callable[[], Answer]) -> Answer:
        """What ``do`` returns, in the thread of one's turn."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, do)

    def close(self) -> None:
        """The threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)
