"""Word of a long run while it runs: how many lives were lived, and what went wrong first."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from tests.money.model.journal import Request

EVERY = 100


@dataclass(slots=True, kw_only=True)
class Progress:
    """Counts the lives of a shard; ``aside`` lets what is printed inside it reach the terminal."""

    name: str
    aside: Callable[[], AbstractContextManager[None]]
    lived: int = 0
    has_failed: bool = False
    since: float = field(default_factory=time.monotonic)

    def count(self) -> None:
        """A life is over."""
        self.lived += 1
        if self.lived % EVERY == 0 and not self.has_failed:
            pace = (time.monotonic() - self.since) / self.lived * 1000
            self._say(f"{self.name}: {self.lived} lives, {pace:.0f} s for 1,000")

    def fail(self, error: Exception, requests: Sequence[Request]) -> None:
        """A life went wrong: the first one is told, before anybody makes it smaller."""
        if not self.has_failed:
            self.has_failed = True
            story = "\n".join(f"    {one}," for one in requests)
            self._say(f"{self.name}: life {self.lived + 1} went wrong\n{story}\n{error}")

    def _say(self, words: str) -> None:
        with self.aside():
            print(f"\n{words}", file=sys.stderr, flush=True)  # noqa: T201  a report for people
