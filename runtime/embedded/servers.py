"""What embedded servers have in common: how one comes up, whatever it was left in."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Protocol

from runtime.embedded.processes import (
    PAUSE_SECONDS,
    PidFile,
    ProcessFailure,
    last_lines,
    wait_until,
)

START_TIMEOUT_SECONDS = 60.0
RESPAWN_PAUSE_SECONDS = 0.3
MAXIMUM_SPAWNS = 6


class Server(Protocol):
    """What both servers have in common."""

    pid_file: PidFile
    log: Path

    @property
    def name(self) -> str:
        """How it is called in messages."""
        ...

    def is_ready(self) -> bool:
        """Whether it runs and answers."""
        ...

    def spawn(self) -> None:
        """Start its process."""
        ...


def bring_up(server: Server) -> None:
    """The server is ready: the running one, or a new process in its place.

    A server killed a moment ago may hold its lock, or refuse a successor, until the last of its
    processes has noticed: hence more than one try.

    Raises:
        ProcessFailure: it does not come up; the text ends with its log.
    """
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    spawns = 0
    while not server.is_ready():
        is_gone = server.pid_file.holder() is None
        if time.monotonic() > deadline or (is_gone and spawns == MAXIMUM_SPAWNS):
            raise ProcessFailure(f"{server.name} does not start.\n{last_lines(server.log)}")
        if is_gone:
            server.spawn()
            spawns += 1
            wait_until(server.is_ready, timeout_seconds=RESPAWN_PAUSE_SECONDS)
        time.sleep(PAUSE_SECONDS)
