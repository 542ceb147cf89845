"""The connections of a process: how many there are, and which of them have had their time."""

from __future__ import annotations

import asyncio
import resource
from typing import Any, Final

from runtime.serving.protocol import BoundedProtocol

LOOK_SECONDS: Final = 1.0
OTHER_FILES: Final = 256
"""Files and sockets of a process that are no connections of clients."""


class Connections:
    """Makes a protocol for each connection, and looks after them every second.

    Where there are ``most`` already, a newcomer takes the place of the one that has kept us waiting
    longest without a request under way; without such a one it is turned away.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._all: set[BoundedProtocol] = set()
        self._looked_at: float | None = None

    def accept(self, **server: Any) -> BoundedProtocol:  # noqa: ANN401  (the server's own)
        """What the server calls for a protocol."""
        return BoundedProtocol(self, **server)

    def welcome(self, connection: BoundedProtocol) -> None:
        """Somebody has connected."""
        if len(connection.connections) > self._most:
            self._make_room(connection)
        if connection.transport.is_closing():
            return
        self._all.add(connection)
        if self._looked_at is None:
            self._look_later(connection.loop)

    def _make_room(self, newcomer: BoundedProtocol) -> None:
        waiting = [
            one
            for one in self._all
            if one.is_at_rest and one is not newcomer and not one.transport.is_closing()
        ]
        leaving = min(waiting, key=lambda one: one.waits_since, default=newcomer)
        leaving.transport.abort()

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._looked_at = loop.time()
        loop.call_later(LOOK_SECONDS, self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now, since = loop.time(), self._looked_at or loop.time()
        self._all = {one for one in self._all if not one.transport.is_closing()}
        for connection in self._all:
            connection.look(now, since)
        self._looked_at = None
        if self._all:
            self._look_later(loop)


def allow_files(connections: int) -> int:
    """How many connections the process may hold of those wanted, once it asked for their files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(1, wanted - OTHER_FILES)
