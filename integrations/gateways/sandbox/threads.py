"""The ledger from an event loop: its transactions run in threads of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection

from integrations.gateways.sandbox.ledger.books import Ledger

Result = TypeVar("Result")


class LedgerThreads:
    """Runs what asks the ledger, a few at once, so that no loop waits for a database."""

    def __init__(self, ledger: Ledger, threads: int) -> None:
        self._ledger = ledger
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="sandbox-gateway")

    async def run(self, work: Callable[[Connection], Result]) -> Result:
        """What ``work`` returns, committed."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._ledger.run, work)
