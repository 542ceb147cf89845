"""What is finished is forgotten after a while, for as long as the process lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from repositories.accounts import organizations as stored_organizations
from repositories.transactions import Transactions
from services.personal_data.retention import Kind

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 3600.0

FIRST_AFTER_SECONDS: Final = 300.0
"""A process that has just begun has other things to do."""

PAGE: Final = 500
"""How many organizations are read from the directory at once."""

BATCH: Final = 1000

CountForgotten = Callable[[str, int], None]
"""Hears how many of a kind were forgotten."""


def _count_nothing(_kind: str, _count: int) -> None: ...


class Retention:
    """Forgets what is older than it is kept, of every kind, a batch in a transaction.

    Processes that do so at once skip what another one holds.
    """

    def __init__(
        self,
        transactions: Transactions,
        kinds: Sequence[Kind],
        *,
        count: CountForgotten = _count_nothing,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._transactions = transactions
        self._kinds = kinds
        self._count = count
        self._now = now
        self._told = asyncio.Event()
        for kind in kinds:
            # What happens for the first time is an increase only of what was shown before.
            count(kind.name, 0)

    def hear(self, kind: str) -> None:
        """Somebody is to be erased; of all else nothing that is queued is finished."""
        if any(kind == one.told_by for one in self._kinds):
            self.look()

    def look(self) -> None:
        """Look at once for what is told of; for all else there is no hurry."""
        self._told.set()

    async def run(self) -> NoReturn:
        """Look every hour until cancelled. A database that is away only delays it."""
        clock = asyncio.get_running_loop().time
        due_at = clock() + FIRST_AFTER_SECONDS
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due_at):
                    await self._told.wait()
            self._told.clear()
            is_due = clock() >= due_at
            for kind in self._kinds:
                if is_due or kind.told_by is not None:
                    await self._forget_kind(kind)
            if is_due:
                due_at = clock() + EVERY_SECONDS

    async def _forget_kind(self, kind: Kind) -> None:
        try:
            forgotten = await asyncio.to_thread(self.forget, kind)
        except SQLAlchemyError as error:
            # What one kind stumbles over keeps no other from being forgotten.
            log.warning("retention_failed", kind=kind.name, error=type(error).__name__)
            return
        if forgotten:
            log.info("forgotten", kind=kind.name, count=forgotten)

    def forget_all(self) -> dict[str, int]:
        """How many of each kind were old enough, and are gone."""
        return {kind.name: self.forget(kind) for kind in self._kinds}

    def forget(self, kind: Kind) -> int:
        """How many were old enough, and are gone."""
        forgotten = 0
        after: UUID | None = None
        while True:
            with self._transactions.for_organizations([]) as session:
                page = stored_organizations.list_directory_after(session, after, limit=PAGE)
            if not page:
                return forgotten
            after = page[-1]
            while found := self._forget_batch(kind, page):
                self._count(kind.name, found)
                forgotten += found

    def _forget_batch(self, kind: Kind, page: Sequence[UUID]) -> int:
        with self._transactions.for_organizations(page) as session:
            before = self._now() - timedelta(days=kind.days)
            return kind.forget(session, page, before=before, at_most=BATCH)
