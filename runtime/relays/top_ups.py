"""Looks at rules that top credit up, as soon as something took credit that they watch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from repositories import outbox as stored_outbox
from repositories.credits.top_ups import MESSAGE
from repositories.transactions import Transactions
from services.purchases.top_ups import look_at_next

log = structlog.get_logger(__name__)

SWEEP_SECONDS: Final = 30.0
"""How long a message waits at most of which nobody was told."""

HELD_SECONDS: Final = 1.0
"""After that what another relay held is looked for again."""


class TopUpRelay:
    """Messages are queued by whatever lowers credit under a rule; nobody looks without one."""

    def __init__(
        self,
        transactions: Transactions,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._transactions = transactions
        self._now = now
        self._told = asyncio.Event()

    def hear(self, kind: str) -> None:
        """Messages of this kind were queued."""
        if kind == MESSAGE:
            self.look()

    def look(self) -> None:
        """Look at once: there may be something due."""
        self._told.set()

    async def run(self) -> None:
        """Look until cancelled. A database that is away only delays it."""
        patience = 0.1
        while True:
            self._told.clear()
            try:
                while await asyncio.to_thread(look_at_next, self._transactions, now=self._now()):
                    pass
                pause = await asyncio.to_thread(self._find_pause)
                patience = 0.1
            except SQLAlchemyError as error:
                log.warning("relay_unreachable", relay="top_ups", error=type(error).__name__)
                pause = patience = min(5.0, patience * 2)
            try:
                async with asyncio.timeout(pause):
                    await self._told.wait()
            except TimeoutError:
                continue

    def _find_pause(self) -> float:
        with self._transactions.looking_up(stored_outbox.LOOKUP, MESSAGE) as session:
            due_at = stored_outbox.find_next_due(session, MESSAGE)
        if due_at is None:
            return SWEEP_SECONDS
        waits = (due_at - self._now()).total_seconds()
        return min(SWEEP_SECONDS, waits) if waits > 0 else HELD_SECONDS
