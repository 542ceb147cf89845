"""What keys send, gathered in memory and written once a second: no request waits for it.

Alike requests of a second are one row, which counts them, so that ten thousand a second cost as
little as one. Neither bodies, queries nor headers are kept, and of paths the ids alone.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import structlog
from psycopg import Error
from starlette.requests import HTTPConnection

from api.reads.connections import ReadConnections
from api.transport.urls.paths import path_of
from billing.errors import BillingError, Unauthenticated
from models.accounts.api_keys import ApiKey
from models.base import new_id
from repositories.accounts.request_log import MOST_KEPT, NewRow, insert_rows, keep_newest
from repositories.transactions import transaction_of

log = structlog.get_logger(__name__)

GATHER_SECONDS: Final = 1.0
LAST_WRITES_SECONDS: Final = 5.0
"""As long a process that ends waits for what is on its way, and for what was gathered since."""

MOST_ROWS: Final = 2_000
"""Of all organizations in a second; what comes after is told by the metrics alone."""

MOST_ROWS_OF_ONE: Final = 200
MOST_PATHS_OF_ONE: Final = 100
"""An organization that asks for more things in a second is told their route, without the ids."""

KEPT_AGAIN_AFTER: Final = 1_000
"""As many rows more, and those that are too many are taken out."""

LONGEST_PATH: Final = 400
LONGEST_REQUEST_ID: Final = 64

_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class EndedKey(Unauthenticated):
    """A key that was good once: what it still sends is told to whom it belongs."""

    def __init__(self, api_key: ApiKey) -> None:
        super().__init__("The API key is not valid.", code="invalid_api_key")
        self.sender = Sender(api_key.organization_id, api_key.id)


class Sender(NamedTuple):
    """Who sent a request."""

    organization_id: UUID
    api_key_id: UUID


class _Kind(NamedTuple):
    """What requests have in common that are one row."""

    sender: Sender
    method: str
    path: str
    status: int
    code: str | None
    fields: str | None


@dataclass(slots=True)
class _Slowest:
    """The slowest request of a kind, and how many there are."""

    at: datetime
    seconds: float
    request_id: str
    alike: int = 1


class RequestLog:
    """Requests of keys, from their answers until they are written.

    Memory is bounded, and so is what an organization has in the database. What cannot be written is
    given up: nobody's bill depends on it.
    """

    def __init__(self, connections: ReadConnections, now: Callable[[], datetime]) -> None:
        self._connections = connections
        self._now = now
        self._gathered: dict[_Kind, _Slowest] = {}
        self._rows_of: Counter[UUID] = Counter()
        self._written_of: Counter[UUID] = Counter()
        self._task: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def note(
        self, scope: MutableMapping[str, Any], method: str, route: str, status: int, seconds: float
    ) -> None:
        """A request was answered. It is one of a key's, or it is nobody's here."""
        state: Mapping[str, Any] = scope["state"]
        sender: Sender | None = state.get("sender")
        if sender is None:
            return
        rows = self._rows_of[sender.organization_id]
        path = route if rows >= MOST_PATHS_OF_ONE else _shown_path(scope, route)
        kind = _Kind(
            sender, method, path, status, state.get("problem"), state.get("refused_fields")
        )
        known = self._gathered.get(kind)
        if known is not None:
            known.alike += 1
            if seconds <= known.seconds:
                return
            known.at, known.seconds = self._now(), seconds
            known.request_id = state["request_id"]
        elif rows < MOST_ROWS_OF_ONE and len(self._gathered) < MOST_ROWS:
            self._rows_of[sender.organization_id] += 1
            self._gathered[kind] = _Slowest(self._now(), seconds, state["request_id"])
            self._begin()

    def _begin(self) -> None:
        """Somebody writes what was gathered, in the loop of the request."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._task is None or self._task.done():
            self._loop = loop
            self._task = loop.create_task(self._write_later(), context=Context())

    async def _write_later(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        while self._gathered:
            # A task of its own: who ends this one lets it come to its end.
            self._writing = asyncio.create_task(self.write())
            await asyncio.shield(self._writing)
            await asyncio.sleep(GATHER_SECONDS)

    async def write(self) -> None:
        """What was gathered so far is in the database."""
        gathered, self._gathered = self._gathered, {}
        self._rows_of.clear()
        if not gathered:
            return
        rows = [_row_of(kind, slowest) for kind, slowest in gathered.items()]
        try:
            await self._insert(rows)
        except (BillingError, Error) as error:
            log.warning("requests_not_logged", count=len(rows), error=type(error).__name__)

    async def _insert(self, rows: Sequence[NewRow]) -> None:
        self._written_of.update(row.organization_id for row in rows)
        # In one order, so that no two processes wait for each other.
        full = sorted(one for one, count in self._written_of.items() if count >= KEPT_AGAIN_AFTER)
        organizations = {row.organization_id for row in rows}.union(full)
        async with (
            self._connections.lend(RequestLog) as connection,
            transaction_of(connection, organizations),
        ):
            await insert_rows(connection, rows)
            for organization_id in full:
                await keep_newest(connection, organization_id, most=MOST_KEPT)
        for organization_id in full:
            del self._written_of[organization_id]

    async def close(self) -> None:
        """What was gathered, or is on its way, is written within seconds; nobody waits for more."""
        task, self._task = self._task, None
        writing, self._writing = self._writing, None
        is_here = self._loop is asyncio.get_running_loop()
        if task is not None and is_here:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        try:
            async with asyncio.timeout(LAST_WRITES_SECONDS):
                if writing is not None and is_here:
                    await writing
                await self.write()
        except TimeoutError as error:
            log.warning("requests_not_logged", error=type(error).__name__)


def note_sender(request: HTTPConnection, organization_id: UUID, api_key_id: UUID) -> None:
    """The request is one of this key's, whatever comes of it."""
    request.state.sender = Sender(organization_id, api_key_id)


def _shown_path(scope: MutableMapping[str, Any], route: str) -> str:
    """The path with its ids; what else was put into it is shown by its name alone."""
    if "{" not in route:
        return route
    sent, named = path_of(scope).split("/"), route.split("/")
    if len(sent) != len(named):
        # A name with slashes in it.
        return route
    return "/".join(
        part if not name.startswith("{") or _ID.fullmatch(part) else name
        for part, name in zip(sent, named, strict=True)
    )


def _row_of(kind: _Kind, slowest: _Slowest) -> NewRow:
    return NewRow(
        organization_id=kind.sender.organization_id,
        id=new_id(),
        at=slowest.at,
        api_key_id=kind.sender.api_key_id,
        method=kind.method,
        path=kind.path[:LONGEST_PATH],
        status=kind.status,
        code=kind.code,
        fields=kind.fields,
        milliseconds=int(slowest.seconds * 1000),
        request_id=slowest.request_id[:LONGEST_REQUEST_ID],
        alike=slowest.alike,
    )
