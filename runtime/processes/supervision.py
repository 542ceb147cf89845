"""Starts again what ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from runtime.embedded.processes import ProcessFailure

LONGEST_BACKOFF_SECONDS: Final = 30.0
STEADY_SECONDS: Final = 60.0
"""A process that lived this long has its next restart at once again."""

BEGUN_SECONDS: Final = 10.0
"""A process that lived this long has begun its work; what ends sooner may never be able to."""
MOST_FAILED_STARTS: Final = 5

Announce = Callable[[str], None]


class Service(Protocol):
    """A process that is meant to run."""

    @property
    def name(self) -> str:
        """How it is called in messages."""
        ...

    def start(self) -> None:
        """It runs. Raises ProcessFailure."""
        ...


def unknown_end() -> str:
    """Nothing is known of how it ended."""
    return ""


@dataclass(slots=True)
class Supervisor:
    """Starts a service again when it ends, more patiently each time."""

    service: Service
    is_running: Callable[[], bool]
    describe_end: Callable[[], str] = unknown_end
    """How it ended, as it follows "ended unexpectedly"."""
    backoff_seconds: float = 1.0
    started_at: float = field(default_factory=time.monotonic)
    due_at: float | None = None
    has_begun: bool = False
    failed_starts: int = 0

    @property
    def is_hopeless(self) -> bool:
        """Whether the service ended again and again before it ever began its work."""
        return self.failed_starts >= MOST_FAILED_STARTS

    def check(self, announce: Announce) -> None:
        """The service runs, or its restart is announced or done."""
        now = time.monotonic()
        if self.is_running():
            lived = now - self.started_at
            self.has_begun = self.has_begun or lived > BEGUN_SECONDS
            if lived > STEADY_SECONDS:
                self.backoff_seconds = 1.0
            return
        if self.due_at is None:
            self.failed_starts += not self.has_begun
            self.due_at = now + self.backoff_seconds
            announce(
                f"{self.service.name} ended unexpectedly{self.describe_end()}; "
                f"starting it again in {self.backoff_seconds:.0f} s."
            )
        elif now >= self.due_at:
            self._restart(announce)

    def _restart(self, announce: Announce) -> None:
        self.due_at = None
        self.backoff_seconds = min(self.backoff_seconds * 2, LONGEST_BACKOFF_SECONDS)
        try:
            self.service.start()
        except ProcessFailure as failure:
            announce(str(failure))
        else:
            announce(f"{self.service.name} runs again.")
        self.started_at = time.monotonic()


def name_end(code: int | None, *, log: Path | None = None) -> str:
    """How a process with this exit code ended, in brackets; nothing if that is unknown."""
    if code is None:
        return ""
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f" ({how}, log: {log})" if log else f" ({how})"
