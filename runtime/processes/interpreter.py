"""How the interpreter of a process that answers requests works beside itself."""

from __future__ import annotations

import gc
import sys
from typing import Final

TURN_SECONDS: Final = 0.0001
"""How long a thread computes on while another wants the interpreter; Python's own is 0.005."""

OF_REQUESTS: Final = (10_000, 50, 100)
"""How many new objects, and how many rounds of each kind, are between two that look further."""

OF_WORKFLOWS: Final = (10_000, 10, 10)
"""A workflow that leaves memory is a cycle: all are looked through after a million objects."""


def relax_garbage_collection(rounds: tuple[int, int, int] = OF_REQUESTS) -> None:
    """Cycles are looked for less often, and never among what was loaded at the start.

    A batch of events makes thousands of objects and no cycles; looking through everything after
    every seven hundred of them takes a quarter of the time. So does a group of bills, among
    thousands of workflows that sleep.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*rounds)


def take_turns_quickly() -> None:
    """A thread that computes lets others go on fifty times as often as by default.

    The event loop asks for its turn whenever it has looked around, thirty times for a report of
    usage: one thread that computes a long bill would slow each of them down by all these turns.
    """
    sys.setswitchinterval(TURN_SECONDS)
