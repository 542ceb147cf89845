"""What one process takes is told to those who watch in another, and to nobody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

import pytest
from psycopg import AsyncConnection

from api.ingestion import spread as spreading
from api.ingestion.spread import MOST_BYTES, TOLD, WATCHED, UsageSpread
from api.ingestion.tail import MOST_WAITING, Outcome, Told, UsageTail, Viewer
from api.reads.connections import ReadConnections
from models.base import new_id
from repositories.asynchronous.connections import connect
from repositories.transactions import Transactions
from runtime.notifications import Notifications
from services.ingestion.event_input import EventReport
from services.ingestion.submissions import EventResult, EventStatus, Submission

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PATIENT_SECONDS = 180.0
LONG = "語" * 200
"""Six hundred bytes: with as many in each text a report fills most of a notification."""


@dataclass
class Process:
    """A process of the API, as far as it tells and hears of reports."""

    tail: UsageTail
    spread: UsageSpread

    def take(self, organization_id: UUID, keys: Sequence[str]) -> None:
        """Reports were committed here."""
        rows = [EventReport(meter_name=LONG, quantity=1, idempotency_key=key) for key in keys]
        results = [EventResult(status=EventStatus.CREATED) for _ in rows]
        self.tail.tell(Submission(organization_id=organization_id, rows=rows), results, NOW)


@asynccontextmanager
async def running(transactions: Transactions) -> AsyncIterator[Process]:
    """It runs, on connections of its own."""
    connections = ReadConnections(partial(connect, transactions.address))
    tail = UsageTail()
    spread = UsageSpread(tail, connections)
    heard = Notifications(transactions.address, spread.hearers, missed=lambda: None)
    tasks = [asyncio.create_task(one.run()) for one in (spread, heard)]
    try:
        yield Process(tail, spread)
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await connections.close()


def on_two_processes(
    transactions: Transactions, live: Callable[[Process, Process], Awaitable[None]]
) -> None:
    async def both() -> None:
        async with running(transactions) as here, running(transactions) as there:
            await live(here, there)

    asyncio.run(both())


async def heard_by(viewer: Viewer, most: int) -> list[Told]:
    """What a viewer hears, until it is as much."""
    found: list[Told] = []
    async with asyncio.timeout(PATIENT_SECONDS):
        while len(found) < most:
            await viewer.arrived.wait()
            found += viewer.take()[0]
    return found


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENT_SECONDS):
        while not is_so():  # noqa: ASYNC110  (nothing says so; what comes is looked at)
            await asyncio.sleep(0.02)


async def until_watched(process: Process, organization_id: UUID) -> None:
    await until(lambda: organization_id in process.tail.away)


def test_viewers_hear_what_another_process_took_and_their_own_once(
    transactions: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreading, "AGAIN_SECONDS", 0.2)
    organization_id, other_id = new_id(), new_id()
    keys = [f"{LONG[:190]}{number}" for number in range(MOST_WAITING)]

    async def live(here: Process, there: Process) -> None:
        with here.tail.watch(organization_id, "user:1") as viewer:
            await until_watched(there, organization_id)
            there.take(other_id, ["another"])
            there.take(organization_id, keys)
            first = await heard_by(viewer, len(keys))
            here.take(organization_id, ["own"])
            there.take(organization_id, ["last"])
            rest = await heard_by(viewer, 2)

        assert [one.idempotency_key for one in first] == keys
        assert {(one.at, one.outcome, one.meter) for one in first} == {(NOW, Outcome.COUNTED, LONG)}
        assert sorted(str(one.idempotency_key) for one in rest) == ["last", "own"]
        # Nobody watches there, so nothing is kept for anybody here.
        assert organization_id not in here.tail.away

    on_two_processes(transactions, live)


def test_nothing_is_told_any_more_once_nobody_says_that_they_watch(
    transactions: Transactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreading, "HOLDS_SECONDS", 0.1)
    organization_id = new_id()

    async def live(here: Process, there: Process) -> None:
        with here.tail.watch(organization_id, "user:1"):
            await until_watched(there, organization_id)
        await asyncio.sleep(0.2)
        there.take(organization_id, ["late"])
        await until(lambda: not there.tail.away)

    on_two_processes(transactions, live)


def test_what_is_not_understood_is_passed_over() -> None:
    tail, organization_id = UsageTail(), new_id()
    spread = UsageSpread(tail, ReadConnections(_nowhere))
    told = {"at": NOW.isoformat(), "outcome": "counted", "idempotency_key": "a", "newer": 1}

    with tail.watch(organization_id, "user:1") as viewer:
        for said in ("", "one two", f"x {organization_id} 0 []]", f"x {organization_id} 0 [7]"):
            spread.hearers[TOLD](said)
            spread.hearers[WATCHED](said)
        assert viewer.take() == ([], 0)
        spread.hearers[TOLD](f"x {organization_id} 3 {json.dumps([told])}")

        assert viewer.take() == ([Told(at=NOW, outcome=Outcome.COUNTED, idempotency_key="a")], 3)


async def _nowhere() -> AsyncConnection:
    raise AssertionError


def test_parts_fit_into_a_notification_and_what_fits_into_none_is_counted() -> None:
    told = [Told(at=NOW, outcome=Outcome.COUNTED, meter=LONG, customer=LONG)] * 20
    endless = dict.fromkeys(("meter", "customer", "code"), "\x01" * 500)
    telling = Told(at=NOW, outcome=Outcome.REFUSED, **endless)

    parts = list(spreading._parts([*told, telling], 5))

    assert all(len(",".join(part).encode()) <= MOST_BYTES for part, _ in parts)
    assert sum(len(part) for part, _ in parts) == 20
    assert sum(over for _, over in parts) == 6
