"""Bounds of time on a busy machine: what it does not give to a process is not the process's."""

from __future__ import annotations

import os
import time
from pathlib import Path


class Stopwatch:
    """Runs from when it is made, and stands still while this process waits for a processor.

    So do others that are named. On a machine that has nothing else to do it is the clock on the
    wall. Linux says how long threads were ready and did not run; elsewhere that is never.
    """

    def __init__(self, *others: int) -> None:
        self._pids = (os.getpid(), *others)
        self._waited_before = self._waited()
        self._began = time.monotonic()

    def seconds(self) -> float:
        """How long it has run."""
        passed = time.monotonic() - self._began
        waited = self._waited()
        before = self._waited_before
        ready = sum(seconds - before.get(thread, 0.0) for thread, seconds in waited.items())
        return max(0.0, passed - ready)

    def _waited(self) -> dict[str, float]:
        """How long each living thread has waited for a processor since it began."""
        waited = {}
        for pid in self._pids:
            for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                try:
                    waited[str(thread)] = int(thread.read_text().split()[1]) / 1e9
                except OSError:
                    continue  # it ended just now
        return waited
