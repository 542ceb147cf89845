"""How far a proof of minutes has come, on one line of a terminal."""

from __future__ import annotations

import sys


def show(done: int, count: int, words: str) -> None:
    """A bar, the numbers, and what is waited for; where there is no terminal only what changed."""
    filled = 40 * done // max(count, 1)
    bar = "█" * filled + "·" * (40 - filled)
    line = f"{bar} {done:,} of {count:,}  {words}"
    if sys.stdout.isatty():
        sys.stdout.write(f"\r\x1b[K{line}")
    elif line != _last.get("line"):
        sys.stdout.write(f"{line}\n")
        _last["line"] = line
    sys.stdout.flush()


_last: dict[str, str] = {}
