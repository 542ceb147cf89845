"""What the steps of bills left that this process stored last: the next step need not read it again.

Rows of steps are added, never changed, so one that was committed once stays true. One that is not
remembered may be there all the same: whoever misses it looks into the database.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from threading import Lock
from typing import Final

from repositories.invoicing.steps import RunKey, StoredRun

RECENT: Final = "recent_runs"
"""Key of ``session.info`` under which whoever performs steps one after the other leaves them."""

MOST_REMEMBERED: Final = 200
"""More bills than are between their first step and their last at one moment."""

MOST_PARTS: Final = 200
"""A bill of more lines and tiers is read by each step: hundreds of these would be gigabytes."""

Runs = Mapping[str, StoredRun]
"""The rows of a bill, by step."""


class RecentRuns:
    """The rows of the bills that a process worked on last; those used longest ago are forgotten."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._runs: OrderedDict[RunKey, dict[str, StoredRun]] = OrderedDict()
        self._lock = Lock()

    def find(self, bill: RunKey) -> dict[str, StoredRun]:
        """The rows of a bill that are remembered, a copy."""
        with self._lock:
            return {**self._runs.get(bill, {})}

    def remember(self, runs: Mapping[RunKey, Runs]) -> None:
        """These rows are committed. Those of a bill of many parts are not kept."""
        with self._lock:
            for bill, found in runs.items():
                known = {**self._runs.pop(bill, {}), **found}
                if all(_count_parts(run) <= MOST_PARTS for run in known.values()):
                    self._runs[bill] = known
            while len(self._runs) > self._most:
                self._runs.popitem(last=False)

    def forget(self, bills: Collection[RunKey]) -> None:
        """No step of these bills is to come."""
        with self._lock:
            for bill in bills:
                self._runs.pop(bill, None)


def _count_parts(run: StoredRun) -> int:
    """What a row grows with: usage of windows, or quantities and lines with their tiers."""
    content = run.content
    parts = content.get("usage", ()) if isinstance(content, dict) else content
    return sum(1 + len(part.get("tiers") or ()) for part in parts)
