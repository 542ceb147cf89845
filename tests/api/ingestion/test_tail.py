"""Events as they are taken: whoever watches is told what became of each, and nobody else is."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.context import AppContext, state_of
from api.ingestion.tail import (
    MOST_OF_ONE,
    MOST_VIEWERS,
    MOST_WAITING,
    SILENT_SECONDS,
    UsageTail,
    Viewer,
)
from billing.errors import TooManyRequests
from models.base import new_id
from services.ingestion.event_input import EventReport
from services.ingestion.submissions import EventResult, EventStatus, Submission
from tests.api.conftest import serve
from tests.api.people import Person
from tests.api.sold import V1, sell

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def app(context: AppContext, one_event_loop: BlockingPortal) -> Iterator[FastAPI]:
    """The application, whose streams last for three seconds."""
    yield from serve(replace(context, stream_seconds=3.0), one_event_loop)


@pytest.fixture
def listen(app: FastAPI) -> Iterator[Callable[[Person], Future[list[dict[str, Any]]]]]:
    """Opens a stream as somebody; its turns are there once it has ended."""
    pool = ThreadPoolExecutor(2)

    def begin(person: Person) -> Future[list[dict[str, Any]]]:
        tail = state_of(app).usage_tail
        watched = len(tail)
        turns = pool.submit(read, person)
        while len(tail) == watched and not turns.done():
            time.sleep(0.01)
        return turns

    yield begin
    pool.shutdown()


def read(person: Person) -> list[dict[str, Any]]:
    answer = person.get(f"{V1}/usage/stream")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = answer.text.splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data")]


def test_whoever_watches_is_told_what_became_of_each_report(
    owner: Person, listen: Callable[[Person], Future[list[dict[str, Any]]]]
) -> None:
    eu = {"property": "region", "operator": "eq", "value": "eu"}
    sold = sell(owner, meter={"filters": [eu]})

    turns = listen(owner)
    first = sold.used(2, idempotency_key="a", properties={"region": "eu"})
    sold.used(2, idempotency_key="a", properties={"region": "eu"})
    sold.used(1, idempotency_key="b", properties={"region": "us"})
    sold.use(-1, idempotency_key="c")

    told = [one for turn in turns.result() for one in turn["data"]]
    assert [(one["idempotency_key"], one["outcome"]) for one in told] == [
        ("a", "counted"),
        ("a", "duplicate"),
        ("b", "not_counted"),
        ("c", "refused"),
    ]
    assert {one["event_id"] for one in told[:2]} == {first["id"]}
    assert (told[0]["meter"], told[0]["customer"], told[0]["quantity"]) == (
        "api_calls",
        "acct_77",
        "2",
    )
    assert told[3]["event_id"] is None
    assert told[3]["code"]
    assert told[3]["detail"]


def test_nobody_is_told_of_the_events_of_another_organization(
    owner: Person,
    sign_up: Callable[[str], Person],
    listen: Callable[[Person], Future[list[dict[str, Any]]]],
) -> None:
    sold = sell(owner)

    turns = listen(sign_up("Elsewhere"))
    sold.used(1)

    assert turns.result() == []


def test_a_stream_of_which_nobody_hears_ends_when_it_says() -> None:
    """It used to end with its next sign of silence, which comes every fifteen seconds."""

    async def watch() -> list[Any]:
        return [turn async for turn in Viewer().turns(0.2)]

    began = time.monotonic()
    turns = asyncio.run(watch())

    assert turns == [([], 0)]
    assert time.monotonic() - began < SILENT_SECONDS


def told_by(tail: UsageTail, submission: Submission, results: list[EventResult]) -> None:
    tail.tell(submission, results, NOW)


def test_an_organization_watches_in_eight_streams_and_no_more() -> None:
    tail, organization, other = UsageTail(), new_id(), new_id()
    opened = [tail.watch(organization, f"user:{number}") for number in range(MOST_VIEWERS)]
    for one in opened:
        one.__enter__()

    with pytest.raises(TooManyRequests) as refused:
        tail.require_room(organization, "user:new")
    tail.require_room(other, "user:new")
    opened[0].__exit__(None, None, None)
    tail.require_room(organization, "user:new")

    assert refused.value.code == "too_many_streams"


def test_one_of_its_members_watches_in_three_and_leaves_room_for_others() -> None:
    tail, organization = UsageTail(), new_id()
    opened = [tail.watch(organization, "user:1") for _ in range(MOST_OF_ONE)]
    for one in opened:
        one.__enter__()

    with pytest.raises(TooManyRequests, match="3 streams of events of yours"):
        tail.require_room(organization, "user:1")
    tail.require_room(organization, "user:2")
    opened[0].__exit__(None, None, None)
    tail.require_room(organization, "user:1")


def test_of_many_reports_the_newest_are_told_and_the_others_counted() -> None:
    tail, organization = UsageTail(), new_id()
    rows = [EventReport(quantity=number) for number in range(120)]
    results = [EventResult(status=EventStatus.CREATED) for _ in rows]

    with tail.watch(organization, "user:1") as viewer:
        for _ in range(2):
            told_by(tail, Submission(organization_id=organization, rows=rows), results)

        assert [one.quantity for one in viewer.waiting][-1] == "119"
        assert len(viewer.waiting) == MOST_WAITING
        assert viewer.passed_over == 240 - MOST_WAITING


def test_nothing_is_kept_of_what_nobody_watches() -> None:
    tail, organization = UsageTail(), new_id()
    with tail.watch(organization, "user:1"):
        pass

    told_by(
        tail,
        Submission(organization_id=organization, rows=[EventReport(quantity=1)]),
        [EventResult(status=EventStatus.CREATED)],
    )

    assert len(tail) == 0
