"""Rows about requests, beside other processes and as the process ends."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID, uuid4

import pytest
from psycopg import AsyncConnection
from sqlalchemy import make_url

from api.access import request_log
from api.access.request_log import Sender
from api.reads.connections import ReadConnections
from repositories.accounts.request_log import MOST_KEPT, NewRow
from repositories.asynchronous.connections import connect

V1 = "/api/v1"


async def test_processes_take_out_rows_of_organizations_in_one_order(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two of them could wait for each other, and what one gathered would be lost."""
    monkeypatch.setattr(request_log, "KEPT_AGAIN_AFTER", 1)
    taken: list[UUID] = []

    async def note(_connection: AsyncConnection, organization_id: UUID, *, most: int) -> None:
        assert most == MOST_KEPT
        taken.append(organization_id)

    monkeypatch.setattr(request_log, "keep_newest", note)
    connections = ReadConnections(partial(connect, make_url(database_url)))
    kept = request_log.RequestLog(connections, lambda: datetime.now(UTC))
    organizations = sorted(uuid4() for _ in range(9))
    for one in reversed(organizations):
        state = {"sender": Sender(one, uuid4()), "request_id": "deploy-4711"}
        kept.note({"state": state}, "GET", f"{V1}/plans", 200, 0.01)
    await kept.close()
    await connections.close()

    assert taken == organizations


async def test_what_is_on_its_way_as_the_process_ends_is_written(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "GATHER_SECONDS", 0)
    begun, may_go_on = asyncio.Event(), asyncio.Event()
    written: list[str] = []

    async def insert(_connection: AsyncConnection, rows: Sequence[NewRow]) -> None:
        begun.set()
        await may_go_on.wait()
        written.extend(one.path for one in rows)

    monkeypatch.setattr(request_log, "insert_rows", insert)
    connections = ReadConnections(partial(connect, make_url(database_url)))
    kept = request_log.RequestLog(connections, lambda: datetime.now(UTC))
    state = {"sender": Sender(uuid4(), uuid4()), "request_id": "deploy-4711"}
    kept.note({"state": state}, "GET", f"{V1}/plans", 200, 0.01)
    await begun.wait()
    kept.note({"state": state}, "GET", f"{V1}/meters", 200, 0.01)
    asyncio.get_running_loop().call_later(0.01, may_go_on.set)
    await kept.close()
    await connections.close()

    assert written == [f"{V1}/plans", f"{V1}/meters"]


async def test_a_process_that_ends_waits_for_rows_no_longer_than_it_may(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "LAST_WRITES_SECONDS", 0)
    begun = asyncio.Event()

    async def insert(_connection: AsyncConnection, _rows: Sequence[NewRow]) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(request_log, "GATHER_SECONDS", 0)
    monkeypatch.setattr(request_log, "insert_rows", insert)
    connections = ReadConnections(partial(connect, make_url(database_url)))
    kept = request_log.RequestLog(connections, lambda: datetime.now(UTC))
    state = {"sender": Sender(uuid4(), uuid4()), "request_id": "deploy-4711"}
    kept.note({"state": state}, "GET", f"{V1}/plans", 200, 0.01)
    await begun.wait()

    await kept.close()
    await connections.close()
