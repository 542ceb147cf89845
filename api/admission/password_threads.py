"""Passwords are hashed and compared one or two at a time, whoever waits for them.

A guess is made to be slow: it takes a tenth of a second of a processor and 64 MB. So guesses wait
here, in turns by address, where they hold neither a connection nor a thread that others need; the
threads here wait in turn for the processes that compute (``runtime.hashing``).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from api.admission.threads import ComputingThreads
from services.accounts.credentials import PasswordCheck, Security


class Passwords:
    """Hashes and compares passwords, one or two at a time. Raises Unavailable ``too_busy``."""

    def __init__(self, security: Security) -> None:
        self._security = security
        self._threads = ComputingThreads("passwords")

    async def hash(self, password: str, *, address: str, leaving: asyncio.Future[None]) -> str:
        """The hash to store."""
        return await self._threads.run(
            lambda: self._security.hash_password(password), party=address, leaving=leaving
        )

    @asynccontextmanager
    async def turn(
        self, *, address: str, leaving: asyncio.Future[None]
    ) -> AsyncIterator[Callable[[str, str | None], Awaitable[PasswordCheck]]]:
        """Comparing, as :meth:`check` does, is the caller's turn while the block runs.

        Who waits for it has asked the database for nothing yet.
        """
        async with self._threads.turn(address, leaving=leaving):
            yield self._compare

    async def check(
        self,
        password: str,
        password_hash: str | None,
        *,
        address: str,
        leaving: asyncio.Future[None],
    ) -> PasswordCheck:
        """Whether the password is the one that was hashed; without a hash: no, after as long."""
        async with self.turn(address=address, leaving=leaving) as compare:
            return await compare(password, password_hash)

    async def _compare(self, password: str, password_hash: str | None) -> PasswordCheck:
        return await self._threads.compute(
            lambda: self._security.check_password(password, password_hash)
        )

    def close(self) -> None:
        """The threads end."""
        self._threads.close()
