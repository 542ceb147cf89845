"""The report of all work, read from the database no more than once a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from starlette.concurrency import run_in_threadpool

from repositories.transactions import Transactions
from services.operations.worker_health import WorkReport, report_work

CACHED_SECONDS = 1.0


class WorkReportCache:
    """One application's report and the monotonic second until which it is shown again."""

    def __init__(self, transactions: Transactions, now: Callable[[], datetime]) -> None:
        self._transactions = transactions
        self._now = now
        self._report: WorkReport | None = None
        self._good_until = 0.0

    async def get(self) -> WorkReport:
        """The report, at most a second old, so that asking often costs nothing."""
        if self._report is None or self._good_until <= time.monotonic():
            self._report = await run_in_threadpool(report_work, self._transactions, now=self._now())
            self._good_until = time.monotonic() + CACHED_SECONDS
        return self._report
