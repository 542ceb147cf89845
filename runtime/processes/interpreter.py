"""How the interpreter of a process that answers requests works beside itself."""

from __future__ import annotations

import gc
import sys
from typing import Final

TURN_SECONDS: Final = 0.001


def relax_garbage_collection() -> None:
    """Cycles are looked for less often, and never among what was loaded at the start.

    A batch of events makes thousands of objects and no cycles; looking through everything after
    every seven hundred of them takes a quarter of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 50, 100)


def take_turns_quickly() -> None:
    """A thread that computes lets others go on five times as often as by default.

    The event loop and every statement's answer wait for their turn; at five milliseconds each, one
    thread that computes a long bill would slow down every other request by a hundred.
    """
    sys.setswitchinterval(TURN_SECONDS)
