"""Keys and sessions that were good a moment ago, so that not every request asks for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextvars import Context
from threading import Lock
from typing import TypeAlias
from uuid import UUID

from cachetools import TTLCache

from api.access.principal import Principal
from services.accounts.credentials import AccessClaims

TRUSTED_SECONDS = 1.0
MOST_KEYS = 10_000

Credential: TypeAlias = str | AccessClaims
"""The hash of a key, or what a token says that we signed."""

_Question = tuple[Credential, int, asyncio.AbstractEventLoop]
"""What was shown, the revocations before it was asked for, and where."""


class KeyCache:
    """Principals by the key or session that they showed, for at most a second.

    A revocation through this process holds at once; one through another as soon as it is told of,
    and within the second at the latest.
    Safe to use from several threads and from the event loop.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._cached: TTLCache[Credential, Principal] = TTLCache(
            MOST_KEYS, TRUSTED_SECONDS, timer=clock
        )
        self._lock = Lock()
        self._revocations = 0
        self._asked: dict[_Question, asyncio.Future[Principal]] = {}

    @property
    def revocations(self) -> int:
        """How often something was forgotten; read it before asking the database."""
        return self._revocations

    def find(self, shown: Credential) -> Principal | None:
        """Whose it was within the last second."""
        with self._lock:
            return self._cached.get(shown)

    def put(self, shown: Credential, principal: Principal, *, revocations: int) -> None:
        """Trust it for a second, unless something was revoked since ``revocations`` was read."""
        with self._lock:
            if revocations == self._revocations:
                self._cached[shown] = principal

    async def ask_once(
        self, shown: Credential, ask: Callable[[], Coroutine[None, None, Principal]]
    ) -> Principal:
        """The answer of ``ask``, which runs once for all who wait for the same meanwhile.

        Whoever comes after a revocation does not share an answer from before it.
        """
        question = (shown, self._revocations, asyncio.get_running_loop())
        asked = self._asked.get(question)
        if asked is None:
            # Asked for many requests, so not within the one that comes first and may be given up.
            asked = self._asked[question] = asyncio.create_task(ask(), context=Context())
            asked.add_done_callback(lambda answered: self._conclude(question, answered))
        return await asyncio.shield(asked)

    def _conclude(self, question: _Question, answered: asyncio.Future[Principal]) -> None:
        self._asked.pop(question, None)
        if not answered.cancelled():
            # Looked at here too, since everybody who asked may have left.
            answered.exception()

    def forget(self, revoked_id: UUID) -> None:
        """The key, session or person of this id is not trusted any more."""
        with self._lock:
            self._revocations += 1
            for shown in list(self._cached):
                principal = self._cached.get(shown)
                # What ran out meanwhile is not trusted any more.
                if principal is not None and revoked_id in (
                    principal.api_key_id,
                    principal.session_id,
                    principal.user_id,
                ):
                    self._cached.pop(shown, None)
