"""Carries outbox messages to workflows, for as long as the process lives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from repositories.outbox import WAKE_MESSAGE
from repositories.transactions import Transactions
from runtime.subscription_workflows import SubscriptionWorkflows
from services.operations.outbox import AnyMessage, Look, deliver_wake_messages

log = structlog.get_logger(__name__)

SWEEP_SECONDS: Final = 30.0
"""How long a message waits at most of which nobody was told."""

HELD_SECONDS: Final = 1.0
"""After that what another relay held is looked for: it may have died of it."""

GATHER_SECONDS: Final = 0.05
"""What is queued within that after a look shares the next one."""


class OutboxRelay:
    """Repeats what did not happen: every message of a committed transaction arrives in the end.

    Looks when it is told that messages were queued, when the next one is due, and seldom besides.
    """

    def __init__(self, transactions: Transactions, workflows: SubscriptionWorkflows) -> None:
        self._transactions = transactions
        self._workflows = workflows
        self._told = asyncio.Event()

    def hear(self, kind: str) -> None:
        """Messages of this kind were queued."""
        if kind == WAKE_MESSAGE:
            self.look()

    def look(self) -> None:
        """Look at once: there may be something due."""
        self._told.set()

    async def run(self) -> None:
        """Deliver until cancelled. A database or an engine that is away only delays it."""
        patience = 0.1
        while True:
            self._told.clear()
            try:
                pause = _pause_after(await self.deliver_once())
                patience = 0.1
            except SQLAlchemyError as error:
                log.warning("outbox_unreachable", error=type(error).__name__)
                pause = patience = min(5.0, patience * 2)
            await asyncio.sleep(min(pause, GATHER_SECONDS))
            await self._rest(pause)

    async def deliver_once(self) -> Look:
        """Deliver what is due now."""
        loop = asyncio.get_running_loop()

        def send(messages: Sequence[AnyMessage]) -> Sequence[bool]:
            # Runs in a thread that holds the rows; the client lives in this loop.
            return asyncio.run_coroutine_threadsafe(
                self._workflows.wake_all(messages), loop
            ).result()

        return await asyncio.to_thread(
            deliver_wake_messages, self._transactions, send, now=datetime.now(UTC)
        )

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._told.wait()
        except TimeoutError:
            return


def _pause_after(look: Look) -> float:
    if look.is_full:
        return 0.0
    if look.next_due_at is None:
        return SWEEP_SECONDS
    waits = (look.next_due_at - datetime.now(UTC)).total_seconds()
    return min(SWEEP_SECONDS, waits) if waits > 0 else HELD_SECONDS
