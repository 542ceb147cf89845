"""The priority of processes where processors are short: answers before bills, bills before guesses.

What stands back takes whatever is free, so a machine that is idle otherwise works as fast as ever.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

BILLING_NICENESS: Final = 10
"""A tenth of the processor of one who does not stand back, as long as that one wants it."""

LEAST_NICENESS: Final = 19


def lower_priority(niceness: int) -> None:
    """This process yields to others of the machine. For its first thread, before it has others."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, max(niceness, os.getpriority(os.PRIO_PROCESS, 0)))
    # Linux may share processors between sessions first, which have a niceness of their own.
    if os.getsid(0) == os.getpid():
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(niceness))
