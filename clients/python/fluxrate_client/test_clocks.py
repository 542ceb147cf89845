"""Test clocks: move them, and wait until all that was due by then has happened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime

from fluxrate_client.async_resources import AsyncTestClocksOperations
from fluxrate_client.errors import FluxrateError
from fluxrate_client.models import TestClock
from fluxrate_client.resources import TestClocksOperations

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.4


class StillAdvancing(FluxrateError):
    """The clock has not arrived in the time that was allowed; it goes on."""


class TestClocks(TestClocksOperations):
    """Operations of ``client.test_clocks``, and the wait for them."""

    __test__ = False

    def advance_and_wait(
        self, test_clock_id: str, frozen_time: datetime | str, *, timeout: float = 60.0
    ) -> TestClock:
        """The clock stands there, and all that was due by then has happened, invoices included.

        Raises:
            StillAdvancing: that took longer than ``timeout`` seconds.
        """
        self.advance(test_clock_id, frozen_time=frozen_time)
        return self.wait(test_clock_id, timeout=timeout)

    def wait(self, test_clock_id: str, *, timeout: float = 60.0) -> TestClock:
        """The clock has arrived where it was sent, by whomever.

        Raises:
            StillAdvancing: that took longer than ``timeout`` seconds.
        """
        deadline, pauses = time.monotonic() + timeout, _pauses()
        while (clock := self.get(test_clock_id)).status != "ready":
            _check(clock, deadline)
            time.sleep(next(pauses))
        return clock


class AsyncTestClocks(AsyncTestClocksOperations):
    """The same, awaited."""

    __test__ = False

    async def advance_and_wait(
        self,
        test_clock_id: str,
        frozen_time: datetime | str,
        *,
        timeout: float = 60.0,  # noqa: ASYNC109  called as its twin that waits
    ) -> TestClock:
        """The clock stands there, and all that was due by then has happened, invoices included.

        Raises:
            StillAdvancing: that took longer than ``timeout`` seconds.
        """
        await self.advance(test_clock_id, frozen_time=frozen_time)
        return await self.wait(test_clock_id, timeout=timeout)

    async def wait(
        self,
        test_clock_id: str,
        *,
        timeout: float = 60.0,  # noqa: ASYNC109  called as its twin that waits
    ) -> TestClock:
        """The clock has arrived where it was sent, by whomever.

        Raises:
            StillAdvancing: that took longer than ``timeout`` seconds.
        """
        deadline, pauses = time.monotonic() + timeout, _pauses()
        while (clock := await self.get(test_clock_id)).status != "ready":
            _check(clock, deadline)
            await asyncio.sleep(next(pauses))
        return clock


def _pauses() -> Iterator[float]:
    """A month is short, and a year is not: the pauses grow."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


def _check(clock: TestClock, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise StillAdvancing(f"The clock {clock.id} is still on its way to {clock.frozen_time}.")
