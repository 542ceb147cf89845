"""Who goes first where processors are short: answers before bills, bills before guesses.

What stands back takes whatever is free, so a machine that is idle otherwise works as fast as ever.
"""

from __future__ import annotations

import os
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

BILLING_NICENESS: Final = 10
"""A tenth of the processor of one who does not stand back, as long as that one wants it."""

LEAST_NICENESS: Final = 19


def stand_back(niceness: int) -> None:
    """This process yields to others of the machine. For its first thread, before it has others."""
    with suppress(OSError):
        _put_back(0, niceness)
    # Linux may share processors between sessions first, whose niceness is another one.
    if os.getsid(0) == os.getpid():
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(niceness))


def let_backend_stand_back(connection: Any, niceness: int) -> None:  # noqa: ANN401  (of the driver)
    """The server process behind a psycopg connection yields as well, where it is on this machine.

    Nothing happens where this process may not say so, or cannot see it.
    """
    with suppress(OSError, AttributeError):
        pid = connection.info.backend_pid
        if _parent_of(pid) == _listener_of(connection.fileno()):
            _put_back(pid, niceness)


def _put_back(pid: int, niceness: int) -> None:
    os.setpriority(os.PRIO_PROCESS, pid, max(niceness, os.getpriority(os.PRIO_PROCESS, pid)))


def _listener_of(descriptor: int) -> int | None:
    """The process that listens at the other end of a local socket, as its number is known here."""
    with socket.socket(fileno=os.dup(descriptor)) as end:
        if end.family != socket.AF_UNIX:
            return None
        credentials = end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, _, _ = struct.unpack("3i", credentials)
    return int(pid)


def _parent_of(pid: int) -> int:
    # The name of the program stands in parentheses and may hold anything.
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
