"""The writer behind the ingestion routes: bounded, impatient, and fair to its callers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import make_url

from api.ingestion.writer import MOST_ROWS_OF_ONE, MOST_ROWS_WAITING, UsageWriter
from billing.errors import TooManyRequests, Unavailable
from repositories.asynchronous.connections import connect
from services.ingestion.event_input import EventReport
from services.ingestion.submissions import EventStatus, Submission
from tests.api.people import Person
from tests.api.sold import CALLS, post

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
REPORT = EventReport(meter_name="calls", customer_external_id="acct_1", quantity=1)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def organization_id(owner: Person) -> UUID:
    """An organization with a SUM meter called ``calls``."""
    post(owner, "/features", CALLS)
    return UUID(owner.get("/api/v1/organization").json()["id"])


def writer_for(database_url: str) -> UsageWriter:
    return UsageWriter(partial(connect, make_url(database_url)), lambda: NOW)


async def test_silent_database_is_unavailable_within_three_seconds(silent_port: int) -> None:
    writer = writer_for(f"postgresql://nobody@127.0.0.1:{silent_port}/nothing")
    started_at = asyncio.get_running_loop().time()

    with pytest.raises(Unavailable):
        await writer.submit(Submission(organization_id=uuid4(), rows=[REPORT]))

    assert asyncio.get_running_loop().time() - started_at < 3
    await writer.close()


async def test_nobody_waits_in_line_for_a_silent_database(silent_port: int) -> None:
    writer = writer_for(f"postgresql://nobody@127.0.0.1:{silent_port}/nothing")
    batch = Submission(organization_id=uuid4(), rows=[REPORT] * 2_000)
    started_at = asyncio.get_running_loop().time()

    answers = await asyncio.gather(
        *(writer.submit(batch) for _ in range(12)), return_exceptions=True
    )

    assert all(isinstance(one, Unavailable) for one in answers)
    assert asyncio.get_running_loop().time() - started_at < 3
    await writer.close()


async def test_too_many_waiting_rows_are_refused_before_memory_grows(silent_port: int) -> None:
    writer = writer_for(f"postgresql://nobody@127.0.0.1:{silent_port}/nothing")
    batches = 2 * MOST_ROWS_WAITING // 10_000

    answers = await asyncio.gather(
        *(
            writer.submit(Submission(organization_id=uuid4(), rows=[REPORT] * 10_000))
            for _ in range(batches)
        ),
        return_exceptions=True,
    )

    refused = [one for one in answers if isinstance(one, TooManyRequests)]
    assert len(refused) == batches // 2
    assert all(one.retry_after_seconds >= 1 for one in refused)
    assert all(isinstance(one, (TooManyRequests, Unavailable)) for one in answers)
    await writer.close()


async def test_one_organization_leaves_room_for_others(silent_port: int) -> None:
    writer = writer_for(f"postgresql://nobody@127.0.0.1:{silent_port}/nothing")
    flood = Submission(organization_id=uuid4(), rows=[REPORT] * 5_000)
    stranger = Submission(organization_id=uuid4(), rows=[REPORT] * 5_000)
    fits = MOST_ROWS_OF_ONE // 5_000

    *answers, last = await asyncio.gather(
        *(writer.submit(one) for one in (*[flood] * (fits + 1), stranger)), return_exceptions=True
    )

    assert [isinstance(one, TooManyRequests) for one in answers] == [False] * fits + [True]
    assert isinstance(last, Unavailable)
    await writer.close()


async def test_a_flood_of_one_organization_delays_another_by_one_group(
    organization_id: UUID,
    sign_up: Any,
    module_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stranger = UUID(sign_up("Elsewhere too").get("/api/v1/organization").json()["id"])
    writer = writer_for(module_database_url)
    write = writer._write
    begun: list[set[UUID]] = []

    async def note(line: Any, group: Any) -> None:
        begun.append({one.submission.organization_id for one in group})
        await write(line, group)

    monkeypatch.setattr(writer, "_write", note)

    async def send(party: UUID, rows: int) -> int:
        before = len(begun)
        await writer.submit(Submission(organization_id=party, rows=[REPORT] * rows))
        return before

    async with asyncio.TaskGroup() as tasks:
        for _ in range(40):
            tasks.create_task(send(organization_id, 500))
        await asyncio.sleep(0.001)
        asked = tasks.create_task(send(stranger, 1))

    assert stranger in begun[asked.result()], "it is in the very next group that begins"
    assert len(begun) > asked.result() + 1, "the flood went on after it"
    await writer.close()


async def test_bad_submission_does_not_take_its_group_along(
    organization_id: UUID, module_database_url: str
) -> None:
    writer = writer_for(module_database_url)
    # What no decoder lets through, but a driver refuses.
    poison: Any = EventReport(meter_name="calls", customer_external_id="\ud800", quantity=1)

    good, bad, also_good = await asyncio.gather(
        writer.submit(Submission(organization_id=organization_id, rows=[REPORT])),
        writer.submit(Submission(organization_id=organization_id, rows=[poison])),
        writer.submit(Submission(organization_id=organization_id, rows=[REPORT])),
        return_exceptions=True,
    )

    assert isinstance(bad, UnicodeEncodeError)
    assert not isinstance(good, BaseException)
    assert not isinstance(also_good, BaseException)
    assert [one.status for one in (*good, *also_good)] == [EventStatus.CREATED] * 2
    await writer.close()


async def test_callers_of_several_organizations_share_a_commit(
    organization_id: UUID, sign_up: Any, module_database_url: str
) -> None:
    stranger = UUID(sign_up("Elsewhere").get("/api/v1/organization").json()["id"])
    writer = writer_for(module_database_url)

    ours, theirs = await asyncio.gather(
        writer.submit(Submission(organization_id=organization_id, rows=[REPORT])),
        writer.submit(Submission(organization_id=stranger, rows=[REPORT])),
    )

    assert ours[0].status is EventStatus.CREATED
    assert theirs[0].status is EventStatus.REJECTED
    assert theirs[0].error is not None
    assert theirs[0].error.code == "meter_not_found"
    await writer.close()


async def test_closing_writes_what_waits(organization_id: UUID, module_database_url: str) -> None:
    writer = writer_for(module_database_url)
    waiting = [
        asyncio.ensure_future(
            writer.submit(Submission(organization_id=organization_id, rows=[REPORT]))
        )
        for _ in range(20)
    ]
    await asyncio.sleep(0)

    await writer.close()

    answers = await asyncio.gather(*waiting)
    assert {one.status for (one,) in answers} == {EventStatus.CREATED}
