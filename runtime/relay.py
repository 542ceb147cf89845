"""Carries outbox messages to workflows, for as long as the process lives."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from repositories.transactions import Transactions
from runtime.subscription_workflows import SubscriptionWorkflows
from services.operations.outbox import BATCH, WakeMessage, deliver_wake_messages

log = structlog.get_logger(__name__)


class OutboxRelay:
    """Repeats what did not happen: every message of a committed transaction arrives in the end."""

    def __init__(
        self,
        transactions: Transactions,
        workflows: SubscriptionWorkflows,
        *,
        idle_seconds: float = 1.0,
    ) -> None:
        self._transactions = transactions
        self._workflows = workflows
        self._idle_seconds = idle_seconds
        self._nudged = asyncio.Event()

    def nudge(self) -> None:
        """Look at once: a message was just committed."""
        self._nudged.set()

    async def run(self) -> None:
        """Deliver until cancelled. A database or an engine that is away only delays it."""
        pause = self._idle_seconds
        while True:
            try:
                delivered = await self.deliver_once()
                pause = 0.0 if delivered >= BATCH else self._idle_seconds
            except SQLAlchemyError as error:
                log.warning("outbox_unreachable", error=type(error).__name__)
                pause = min(5.0, pause * 2 + 0.1)
            await self._rest(pause)

    async def deliver_once(self) -> int:
        """Deliver what is due now; return how many messages arrived."""
        loop = asyncio.get_running_loop()

        def send(messages: Sequence[WakeMessage]) -> Sequence[bool]:
            # Runs in a thread that holds the rows; the client lives in this loop.
            return asyncio.run_coroutine_threadsafe(
                self._workflows.wake_all(messages), loop
            ).result()

        return await asyncio.to_thread(
            deliver_wake_messages, self._transactions, send, now=datetime.now(UTC)
        )

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._nudged.wait(), timeout=seconds)
        except TimeoutError:
            return
        self._nudged.clear()
