"""What becomes of reports in one process, told to those who watch in another.

A process in which somebody watches an organization says so to all, again and again while they do.
Whoever hears that tells, once a second at most, as much of what it took as a viewer is shown. It
goes by notifications of PostgreSQL, so nothing is stored, and of an organization that nobody
watches nothing is said.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final, NoReturn
from uuid import UUID, uuid4

import structlog
from psycopg import Error

from api.ingestion.tail import TURN_SECONDS, Outcome, Told, UsageTail, Viewer
from api.reads.connections import ReadConnections
from billing.errors import Unavailable
from repositories.asynchronous.notices import Said, tell_all

log = structlog.get_logger(__name__)

WATCHED: Final = "fluxrate_watched"
"""Who watches: the process and the organization."""
TOLD: Final = "fluxrate_told"
"""What became of reports: the process, the organization, and some of them."""
AGAIN_SECONDS: Final = 10.0
HOLDS_SECONDS: Final = 25.0
"""After as long without hearing it again nobody watches there: two in a row were missed."""
MOST_BYTES: Final = 7_800
"""PostgreSQL carries less than 8,000 in one notification; the rest is for what stands in front."""

PARTY: Final = "usage tail"
"""As which it waits for a connection."""


class UsageSpread:
    """Tells other processes of what was taken here, and viewers here of what was taken there."""

    def __init__(self, tail: UsageTail, connections: ReadConnections) -> None:
        self._tail = tail
        self._connections = connections
        self._process_id = uuid4()
        self._ends: dict[UUID, float] = {}

    @property
    def hearers(self) -> dict[str, Callable[[str], None]]:
        """What takes the notifications of each channel."""
        return {WATCHED: _understood(self._hear_watched), TOLD: _understood(self._hear_told)}

    async def run(self) -> NoReturn:
        """Say what there is to say until cancelled; a database that is away is passed over."""
        while True:
            await self._wait()
            self._forget_ended()
            said = [*self._watching(), *self._telling()]
            try:
                if said:
                    async with self._connections.lend(PARTY) as connection:
                        await tell_all(connection, said)
            except (Unavailable, Error) as error:
                # A standby that takes over refuses notifications for a while: none ends this.
                log.warning("usage_tail_not_spread", error=type(error).__name__)
            await asyncio.sleep(TURN_SECONDS)

    async def _wait(self) -> None:
        """Until something stirs, or those who watch here are to be named again."""
        try:
            async with asyncio.timeout(AGAIN_SECONDS if self._tail.watched else None):
                await self._tail.stirred.wait()
        except TimeoutError:
            return
        self._tail.stirred.clear()

    def _watching(self) -> Iterator[Said]:
        for organization_id in self._tail.watched:
            yield WATCHED, f"{self._process_id} {organization_id}"

    def _telling(self) -> Iterator[Said]:
        for organization_id, viewer in self._tail.away.items():
            told, over = viewer.take()
            for part, passed_over in _parts(told, over):
                whose = f"{self._process_id} {organization_id} {passed_over}"
                yield TOLD, f"{whose} [{','.join(part)}]"

    def _forget_ended(self) -> None:
        now = asyncio.get_running_loop().time()
        for organization_id in [one for one, ends_at in self._ends.items() if ends_at <= now]:
            del self._ends[organization_id]
            self._tail.away.pop(organization_id, None)

    def _hear_watched(self, said: str) -> None:
        process_id, _, organization = said.partition(" ")
        if process_id == str(self._process_id):
            return
        organization_id = UUID(organization)
        self._ends[organization_id] = asyncio.get_running_loop().time() + HOLDS_SECONDS
        self._tail.away.setdefault(organization_id, Viewer())

    def _hear_told(self, said: str) -> None:
        process_id, organization, passed_over, rows = said.split(" ", 3)
        if process_id != str(self._process_id):
            told = [_read(one) for one in json.loads(rows)]
            self._tail.hear(UUID(organization), told, over=int(passed_over))


def _understood(hear: Callable[[str], None]) -> Callable[[str], None]:
    """The same, to which words that it does not understand are nothing: others may be newer."""

    def listen(said: str) -> None:
        try:
            hear(said)
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            log.warning("usage_tail_not_understood", error=type(error).__name__)

    return listen


def _parts(told: Sequence[Told], over: int) -> Iterator[tuple[list[str], int]]:
    """The reports in parts that a notification carries, the first with how many were passed over.

    One that is too long for any, by letters that take many bytes, is passed over too.
    """
    part: list[str] = []
    size = 0
    for written in map(_write, told):
        length = len(written.encode()) + 1
        if length > MOST_BYTES:
            over += 1
            continue
        if size + length > MOST_BYTES:
            yield part, over
            part, size, over = [], 0, 0
        part.append(written)
        size += length
    if part or over:
        yield part, over


def _write(told: Told) -> str:
    """A report as a notification carries it: what it does not say is left out."""
    said = {name: value for name, value in asdict(told).items() if value is not None}
    said["at"] = told.at.isoformat()
    words = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    # Half of a letter is no text for PostgreSQL.
    return words.encode(errors="replace").decode()


def _read(said: dict[str, Any]) -> Told:
    known: dict[str, Any] = {one.name: said.get(one.name) for one in fields(Told)}
    known["at"], known["outcome"] = datetime.fromisoformat(said["at"]), Outcome(said["outcome"])
    return Told(**known)
