"""How far a proof of minutes has come, on one line of a terminal."""

from __future__ import annotations

import sys


def show(done: int, count: int, words: str) -> None:
    """A bar, the numbers, and what is waited for."""
    filled = 40 * done // max(count, 1)
    bar = "█" * filled + "·" * (40 - filled)
    sys.stdout.write(f"\r\x1b[K{bar} {done:,} of {count:,}  {words}")
    sys.stdout.flush()
