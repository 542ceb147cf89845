"""Looks at what watches customers, as soon as it is asked: top-up rules, alerts, thresholds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from repositories import outbox as stored_outbox
from repositories.credits import top_ups as stored_top_ups
from repositories.notifications import alerts as stored_alerts
from repositories.subscriptions import thresholds as stored_thresholds
from repositories.transactions import Transactions
from services.invoicing.threshold import looking as threshold_looks
from services.purchases import top_ups
from services.rating.alerts import looking

log = structlog.get_logger(__name__)

SWEEP_SECONDS: Final = 30.0
"""How long a message waits at most of which nobody was told."""

HELD_SECONDS: Final = 1.0
"""After that what another relay held is looked for again."""


class LookAtNext(Protocol):
    """Looks at what was asked for first; whether there may be more."""

    def __call__(self, transactions: Transactions, *, now: datetime) -> bool:
        """Look."""


class LookRelay:
    """Messages are queued by whatever changes what is watched; nobody looks without one."""

    def __init__(
        self,
        transactions: Transactions,
        kind: str,
        look_at_next: LookAtNext,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._transactions = transactions
        self._kind = kind
        self._look_at_next = look_at_next
        self._now = now
        self._told = asyncio.Event()

    def hear(self, kind: str) -> None:
        """Messages of this kind were queued."""
        if kind == self._kind:
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
                while await asyncio.to_thread(
                    self._look_at_next, self._transactions, now=self._now()
                ):
                    pass
                pause = await asyncio.to_thread(self._find_pause)
                patience = 0.1
            except SQLAlchemyError as error:
                log.warning("relay_unreachable", relay=self._kind, error=type(error).__name__)
                pause = patience = min(5.0, patience * 2)
            try:
                async with asyncio.timeout(pause):
                    await self._told.wait()
            except TimeoutError:
                continue

    def _find_pause(self) -> float:
        with self._transactions.looking_up(stored_outbox.LOOKUP, self._kind) as session:
            due_at = stored_outbox.find_next_due(session, self._kind)
        if due_at is None:
            return SWEEP_SECONDS
        waits = (due_at - self._now()).total_seconds()
        return min(SWEEP_SECONDS, waits) if waits > 0 else HELD_SECONDS


def top_ups_of(transactions: Transactions) -> LookRelay:
    """Looks at rules that top up: what it begins asks gateways."""
    return LookRelay(transactions, stored_top_ups.MESSAGE, top_ups.look_at_next)


def alerts_of(transactions: Transactions) -> LookRelay:
    """Looks at alerts: what they tell is queued as any other webhook is."""
    return LookRelay(transactions, stored_alerts.MESSAGE, looking.look_at_next)


def thresholds_of(transactions: Transactions) -> LookRelay:
    """Looks at subscriptions that are billed as they run: what is reached is billed at once."""
    return LookRelay(transactions, stored_thresholds.MESSAGE, threshold_looks.look_at_next)
