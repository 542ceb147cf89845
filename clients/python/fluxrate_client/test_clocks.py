"""Test clocks: move them, and wait until all that was due by then has happened."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime

from fluxrate_client.async_resources import AsyncTestClocksOperations
from fluxrate_client.errors import FluxrateError
from fluxrate_client.models import TestClock
from fluxrate_client.resources import TestClocksOperations

POLL_SECONDS = 0.2


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
        deadline = time.monotonic() + timeout
        clock = self.advance(test_clock_id, frozen_time=frozen_time)
        while clock.status != "ready":
            _check(clock, deadline)
            time.sleep(POLL_SECONDS)
            clock = self.get(test_clock_id)
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
        deadline = time.monotonic() + timeout
        clock = await self.advance(test_clock_id, frozen_time=frozen_time)
        while clock.status != "ready":
            _check(clock, deadline)
            await asyncio.sleep(POLL_SECONDS)
            clock = await self.get(test_clock_id)
        return clock


def _check(clock: TestClock, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise StillAdvancing(f"The clock {clock.id} is still on its way to {clock.frozen_time}.")
