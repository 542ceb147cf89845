"""How many events come in now, on the overview: a rate of the last minute, and no sum for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from console.workspace.live.ingestion import count_rates
from tests.api.people import Person
from tests.console.billed import words_of

COUNTED, REFUSED = {"outcome": "counted"}, {"outcome": "refused"}


async def rates_of(turns: Sequence[tuple[float, Any]]) -> list[tuple[str, int, int, int]]:
    """What is told after each turn, which comes at so many seconds."""
    instants = iter([0.0, *(at for at, _ in turns)])

    async def told() -> AsyncIterator[Any]:
        for _, turn in turns:
            yield turn

    rates = count_rates(told(), lambda: next(instants))
    return [(one["a_second"], one["events"], one["refused"], one["seconds"]) async for one in rates]


def turn(*data: dict[str, str], over: int = 0) -> dict[str, Any]:
    return {"data": list(data), "passed_over": over}


async def test_rate_is_of_the_last_minute_or_as_much_of_it_as_was_looked_at() -> None:
    told = await rates_of(
        [
            (10.0, turn(COUNTED, REFUSED, over=23)),
            (50.0, turn(COUNTED)),
            (69.9, None),
            (70.0, None),
            (110.0, None),
        ]
    )

    assert told == [
        ("0", 0, 0, 1),
        ("2.5", 25, 1, 10),
        ("0.5", 26, 1, 50),
        ("0.4", 26, 1, 60),
        ("0", 1, 0, 60),
        ("0", 0, 0, 60),
    ]


async def test_much_is_told_in_whole_events() -> None:
    told = await rates_of([(60.0, turn(over=123_457))])

    assert told[-1] == ("2057", 123_457, 0, 60)


def test_overview_listens_and_is_told_at_once(owner: Person) -> None:
    page = owner.get("/console").text
    told = owner.get("/console/overview/ingestion")

    assert 'hx-sse:connect="/console/overview/ingestion"' in page
    assert told.headers["content-type"].startswith("text/event-stream")
    assert "Coming in now 0 a second" in words_of(told.text)
