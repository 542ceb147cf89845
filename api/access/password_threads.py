"""Passwords are hashed and compared one or two at a time, whoever waits for them.

A guess is made to be slow: it takes a tenth of a second of a processor and 64 MB. So guesses wait
here, in turns by address, where they hold neither a connection nor a thread that others need; the
threads here wait in turn for the processes that compute (``runtime.hashing``).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from api.access.admission import Admission
from services.accounts.credentials import PasswordCheck, Security

THREADS: Final = 2 if (os.cpu_count() or 1) >= 4 else 1
"""Never more than two (CONTRACT 101), and never all processors of a small machine."""

WAITING_SECONDS: Final = 10.0
MOST_WAITING: Final = 32
"""How many of one address wait; as many take a few seconds."""

Answer = TypeVar("Answer")


class Passwords:
    """Hashes and compares passwords, one or two at a time. Raises Unavailable ``too_busy``."""

    def __init__(self, security: Security) -> None:
        self._security = security
        self._line = Admission(
            THREADS, of_one=THREADS, waiting_seconds=WAITING_SECONDS, most_waiting=MOST_WAITING
        )
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="passwords")

    async def hash(self, password: str, *, address: str, leaving: asyncio.Future[None]) -> str:
        """The hash to store."""
        return await self._run(lambda: self._security.hash_password(password), address, leaving)

    async def check(
        self,
        password: str,
        password_hash: str | None,
        *,
        address: str,
        leaving: asyncio.Future[None],
    ) -> PasswordCheck:
        """Whether the password is the one that was hashed; without a hash: no, after as long."""
        return await self._run(
            lambda: self._security.check_password(password, password_hash), address, leaving
        )

    def close(self) -> None:
        """The threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(
        self, do: Callable[[], Answer], address: str, leaving: asyncio.Future[None]
    ) -> Answer:
        async with self._line.admit(address, leaving=leaving):
            return await asyncio.get_running_loop().run_in_executor(self._threads, do)
