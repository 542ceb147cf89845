"""What the database knows of all work, read no more than every few seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from starlette.concurrency import run_in_threadpool

from repositories.transactions import Transactions
from services.operations.measures import Measures, measure

CACHED_SECONDS: Final = 5.0
"""Less than Prometheus waits between two looks, so that each sees something new."""


class MeasuresCache:
    """One application's measures and the monotonic second until which they are shown again."""

    def __init__(self, transactions: Transactions, now: Callable[[], datetime]) -> None:
        self._transactions = transactions
        self._now = now
        self._measures: Measures | None = None
        self._good_until = 0.0
        self._reading = asyncio.Lock()

    async def get(self) -> Measures:
        """The measures, a few seconds old at most; who asks while they are read waits for them."""
        async with self._reading:
            if self._measures is None or self._good_until <= time.monotonic():
                read = await run_in_threadpool(measure, self._transactions, now=self._now())
                self._measures = read
                self._good_until = time.monotonic() + CACHED_SECONDS
            return self._measures
