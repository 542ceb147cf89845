"""Passwords are hashed and compared one or two at a time, whoever waits for them.

A guess is made to be slow: it takes a tenth of a second of a processor and 64 MB. So guesses wait
here, in turns by address, where they hold neither a connection nor a thread that others need; the
threads here wait in turn for the processes that compute (``runtime.hashing``).
"""

from __future__ import annotations

import asyncio

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

    async def check(
        self,
        password: str,
        password_hash: str | None,
        *,
        address: str,
        leaving: asyncio.Future[None],
    ) -> PasswordCheck:
        """Whether the password is the one that was hashed; without a hash: no, after as long."""
        return await self._threads.run(
            lambda: self._security.check_password(password, password_hash),
            party=address,
            leaving=leaving,
        )

    def close(self) -> None:
        """The threads end."""
        self._threads.close()
