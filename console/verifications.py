"""Verifications that strangers ask for: computed once, and shown again for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from services.invoicing.proofs import Verification

SHOWN_SECONDS: Final = 60.0
MOST_SHOWN: Final = 1_000

Invoice = tuple[UUID, UUID]
"""Organization and invoice."""


class Verifications:
    """What became of each invoice's last check. Of many who ask at once, one computes."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._shown: dict[Invoice, tuple[Verification, float]] = {}
        self._running: dict[Invoice, asyncio.Lock] = {}

    async def find(
        self, invoice: Invoice, compute: Callable[[], Awaitable[Verification]]
    ) -> Verification:
        """The check of the last minute, else the answer of ``compute``."""
        shown = self._look(invoice)
        if shown is not None:
            return shown
        lock = self._running.setdefault(invoice, asyncio.Lock())
        try:
            async with lock:
                shown = self._look(invoice)
                if shown is None:
                    shown = await compute()
                    self._put(invoice, shown)
                return shown
        finally:
            self._running.pop(invoice, None)

    def _look(self, invoice: Invoice) -> Verification | None:
        shown = self._shown.get(invoice)
        return shown[0] if shown is not None and shown[1] > self._clock() else None

    def _put(self, invoice: Invoice, verification: Verification) -> None:
        self._shown.pop(invoice, None)
        if len(self._shown) >= MOST_SHOWN:
            del self._shown[next(iter(self._shown))]
        self._shown[invoice] = (verification, self._clock() + SHOWN_SECONDS)
