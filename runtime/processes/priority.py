"""The priority of processes where processors are short: answers, then logins, then bills.

What stands back takes whatever is free, so a machine that is idle otherwise works as fast as ever.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

BILLING_NICENESS: Final = 10
"""A tenth of the processor of one who does not stand back, as long as that one wants it."""

HASHING_NICENESS: Final = 5
"""A third of the processor of one who does not stand back. With less, a login would take six to
forty seconds where many are busy, and nobody waits for that; how many guess at once is bounded."""

SHORT_TURN_SECONDS: Final = 0.0001
"""The shortest that Linux gives. Its own are some milliseconds, of which one who wakes waits one or
two before whoever runs in another session makes way."""

AGAIN_SECONDS: Final = 0.11
TRIES: Final = 10
"""Of whoever is no superuser, Linux takes such a wish for a session every tenth of a second."""

# Neither Python nor libc has a function for it.
_SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274}


def lower_priority(niceness: int) -> None:
    """This process yields to others of the machine. For its first thread, before it has others.

    A session that it leads does so too.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, max(niceness, os.getpriority(os.PRIO_PROCESS, 0)))
    # Linux may share processors between sessions first, which have a niceness of their own.
    if os.getsid(0) == os.getpid():
        _lower_session(niceness)
    # What answers requests may have begun this process, which has inherited its turns.
    _set_turn(0, nanoseconds=0)


def _lower_session(niceness: int) -> None:
    for _ in range(TRIES):
        try:
            Path("/proc/self/autogroup").write_text(str(niceness))
        except BlockingIOError:
            time.sleep(AGAIN_SECONDS)
        except OSError:
            return
        else:
            return


def take_short_turns(pid: int = 0) -> None:
    """That process, and what it begins, runs at once when it wakes, for a short time at once.

    Its share of the processors stays what it is. For its first thread, before it has others; 0 is
    this process. Linux before 6.12 and other systems leave everything as it was.
    """
    _set_turn(pid, nanoseconds=int(SHORT_TURN_SECONDS * 1_000_000_000))


def _set_turn(pid: int, *, nanoseconds: int) -> None:
    """How long its first thread may run before others are looked at again; 0 is as usual."""
    number = _SCHED_SETATTR.get(platform.machine())
    if platform.system() != "Linux" or number is None:
        return
    with suppress(OSError):
        # size, policy, flags, nice, priority, runtime, deadline, period: as its manual says.
        attributes = struct.pack(
            "=IIQiIQQQ", 48, 0, 0, os.getpriority(os.PRIO_PROCESS, pid), 0, nanoseconds, 0, 0
        )
        ctypes.CDLL(None).syscall(number, pid, attributes, 0)
