"""Keeps what single organizations may in memory: read when somebody changes it, and not else."""

from __future__ import annotations

import asyncio
from typing import Final, NoReturn

import structlog
from sqlalchemy.exc import SQLAlchemyError

from api.admission.rates.policies import Rates
from repositories.transactions import Transactions
from services.own_limits import read_own_limits

log = structlog.get_logger(__name__)

AGAIN_SECONDS: Final = 5.0


class OwnLimits:
    """Reads the limits of all organizations that have some, whenever it is told of a change.

    While the database is away, those that were read last go on to hold.
    """

    def __init__(self, transactions: Transactions, rates: Rates) -> None:
        self._transactions = transactions
        self._rates = rates
        self._changed = asyncio.Event()

    def hear(self, _whose: str) -> None:
        """An organization's limits were changed."""
        self._changed.set()

    def look(self) -> None:
        """A change may have been told to nobody."""
        self._changed.set()

    async def run(self) -> NoReturn:
        """Read them until cancelled, first as soon as :meth:`look` is called."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                self._rates.set_own(await asyncio.to_thread(read_own_limits, self._transactions))
            except SQLAlchemyError as error:
                log.warning("own_limits_unread", error=type(error).__name__)
                await asyncio.sleep(AGAIN_SECONDS)
                self._changed.set()
