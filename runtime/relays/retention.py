"""What is finished is forgotten after a while, for as long as the process lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NoReturn, Protocol
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from repositories.accounts import organizations as stored_organizations
from repositories.notifications.deliveries import forget_finished
from repositories.payments.events import forget_bodies
from repositories.transactions import Transactions

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 3600.0

FIRST_AFTER_SECONDS: Final = 300.0
"""A process that has just begun has other things to do."""

PAGE: Final = 500
"""How many organizations are read from the directory at once."""

BATCH: Final = 1000


class Forget(Protocol):
    """Forgets a batch of something that is older than it is kept."""

    def __call__(
        self,
        session: Session,
        organization_ids: Sequence[UUID],
        /,
        *,
        before: datetime,
        at_most: int,
    ) -> int:
        """How many were forgotten."""


DELIVERIES: Final[tuple[str, Forget]] = ("webhook_deliveries_forgotten", forget_finished)
GATEWAY_BODIES: Final[tuple[str, Forget]] = ("gateway_event_bodies_forgotten", forget_bodies)


class Retention:
    """Forgets what is older than ``days``, a batch in a transaction.

    Webhook deliveries that ended, or bodies of gateways' events. Processes that do so at once skip
    what another one holds.
    """

    def __init__(
        self,
        transactions: Transactions,
        kind: tuple[str, Forget],
        *,
        days: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._transactions = transactions
        self._event, self._forget_some = kind
        self._held = timedelta(days=days)
        self._now = now

    def hear(self, kind: str) -> None:
        """Nothing that is queued is finished."""

    def look(self) -> None:
        """There is no hurry."""

    async def run(self) -> NoReturn:
        """Look every hour until cancelled. A database that is away only delays it."""
        pause = FIRST_AFTER_SECONDS
        while True:
            await asyncio.sleep(pause)
            pause = EVERY_SECONDS
            try:
                forgotten = await asyncio.to_thread(self.forget)
            except SQLAlchemyError as error:
                log.warning("retention_unreachable", error=type(error).__name__)
                continue
            if forgotten:
                log.info(self._event, count=forgotten)

    def forget(self) -> int:
        """How many were old enough, and are gone."""
        forgotten = 0
        after: UUID | None = None
        while True:
            with self._transactions.for_organizations([]) as session:
                page = stored_organizations.list_directory_after(session, after, limit=PAGE)
            if not page:
                return forgotten
            after = page[-1]
            while found := self._forget_batch(page):
                forgotten += found

    def _forget_batch(self, page: Sequence[UUID]) -> int:
        with self._transactions.for_organizations(page) as session:
            before = self._now() - self._held
            return self._forget_some(session, page, before=before, at_most=BATCH)
