"""Whoever waits while others are served shares the next transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextvars import ContextVar
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from activities import group_commit
from activities.group_commit import MOST_TOGETHER, Gatherer
from activities.turns import Turns

name = ContextVar("name", default="nobody")


class Recorded:
    """Doubles what it is asked with, and knows the groups that it was asked in."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.names: list[str] = []

    def perform(self, requests: Sequence[int]) -> list[int | Exception]:
        self.groups.append(list(requests))
        self.names.append(name.get())
        return [ValueError(str(one)) if one < 0 else 2 * one for one in requests]


class Street:
    """Whenever a gatherer waits for others, one of those to come has come; time is of no clock."""

    def __init__(
        self, gatherer: Gatherer[int, int], coming: Iterable[int], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._gatherer = gatherer
        self._coming = iter(coming)
        self._seconds = 0.0
        self.came: list[asyncio.Task[int]] = []
        loop = SimpleNamespace(sleep=self._wait, get_running_loop=asyncio.get_running_loop)
        monkeypatch.setattr(group_commit, "asyncio", loop)
        monkeypatch.setattr(group_commit, "time", SimpleNamespace(monotonic=self._read))

    async def _wait(self, seconds: float) -> None:
        self._seconds += seconds
        one = next(self._coming, None)
        if one is not None:
            self.came.append(asyncio.create_task(self._gatherer.submit(one)))
        await asyncio.sleep(0)

    def _read(self) -> float:
        return self._seconds


async def test_all_who_wait_are_answered_in_groups() -> None:
    recorded = Recorded()
    gatherer = Gatherer(recorded.perform, lambda one: one, None, Turns())

    answers = await asyncio.gather(*(gatherer.submit(one) for one in range(120)))

    assert answers == [2 * one for one in range(120)]
    assert [len(group) for group in recorded.groups] == [MOST_TOGETHER, MOST_TOGETHER, 20]


async def test_those_who_come_one_after_the_other_are_one_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded = Recorded()
    gatherer = Gatherer(recorded.perform, lambda one: one, None, Turns())
    street = Street(gatherer, range(1, 5), monkeypatch)

    answers = [await gatherer.submit(0), *await asyncio.gather(*street.came)]

    assert answers == [0, 2, 4, 6, 8]
    assert recorded.groups == [[0, 1, 2, 3, 4]]


async def test_nobody_waits_for_long_for_those_who_come_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorded = Recorded()
    gatherer = Gatherer(recorded.perform, lambda one: one, None, Turns(first=1))
    street = Street(gatherer, range(1, 100), monkeypatch)

    assert await gatherer.submit(0) == 0
    await asyncio.gather(*street.came)

    assert recorded.groups[0][0] == 0
    assert len(recorded.groups[0]) < MOST_TOGETHER


async def test_one_who_fails_hears_of_it_and_nobody_else() -> None:
    gatherer = Gatherer(Recorded().perform, lambda one: one, None, Turns())

    answers = await asyncio.gather(*map(gatherer.submit, (1, -2, 3)), return_exceptions=True)

    assert [answers[0], str(answers[1]), answers[2]] == [2, "-2", 6]


async def test_no_group_has_two_about_the_same() -> None:
    recorded = Recorded()
    gatherer = Gatherer(recorded.perform, lambda one: one % 10, None, Turns())

    await asyncio.gather(*map(gatherer.submit, (1, 2, 11, 21)))

    assert sorted(map(sorted, recorded.groups)) == [[1, 2], [11], [21]]


async def test_one_who_gave_up_is_not_served() -> None:
    recorded = Recorded()
    gatherer = Gatherer(recorded.perform, lambda one: one, None, Turns())
    given_up = asyncio.ensure_future(gatherer.submit(1))
    await asyncio.sleep(0)

    given_up.cancel()

    assert await gatherer.submit(2) == 4
    assert recorded.groups == [[2]]


async def test_a_group_is_served_in_the_context_of_its_first_caller() -> None:
    recorded = Recorded()
    with ThreadPoolExecutor(max_workers=1) as executor:
        gatherer = Gatherer(recorded.perform, lambda one: one, executor, Turns())
        name.set("first")

        await gatherer.submit(1)

    assert recorded.names == ["first"]


async def test_what_breaks_a_whole_group_reaches_everybody() -> None:
    def perform(_requests: Sequence[int]) -> list[int | Exception]:
        raise RuntimeError("broken")

    gatherer = Gatherer(perform, lambda one: one, None, Turns())

    for _ in range(3):
        with pytest.raises(RuntimeError, match="broken"):
            await gatherer.submit(1)


async def test_those_who_were_served_together_before_are_one_group_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_commit, "COMING_SECONDS", 3600.0)
    recorded = Recorded()
    turns = Turns(joined_seconds=3600.0, patient_seconds=3600.0)
    gatherer = Gatherer(recorded.perform, lambda one: one, None, turns)

    gatherer.expect([1, 2, 3])
    first = [asyncio.create_task(gatherer.submit(one)) for one in (1, 2)]
    await asyncio.sleep(5 * group_commit.GATHER_SECONDS)
    assert recorded.groups == []
    await asyncio.gather(gatherer.submit(3), *first)

    assert recorded.groups == [[1, 2, 3]]


async def test_who_does_not_come_is_waited_for_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "COMING_SECONDS", 0.02)
    recorded = Recorded()
    turns = Turns(joined_seconds=3600.0, patient_seconds=3600.0)
    gatherer = Gatherer(recorded.perform, lambda one: one, None, turns)

    gatherer.expect([1, 2])

    assert await gatherer.submit(1) == 2
    assert recorded.groups == [[1]]


async def test_a_group_that_is_full_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "COMING_SECONDS", 3600.0)
    recorded = Recorded()
    turns = Turns(joined_seconds=3600.0, patient_seconds=3600.0)
    gatherer = Gatherer(recorded.perform, lambda one: one, None, turns)

    gatherer.expect([-1])
    await asyncio.gather(*(gatherer.submit(one) for one in range(MOST_TOGETHER)))

    assert [len(group) for group in recorded.groups] == [MOST_TOGETHER]


class Held(Executor):
    """Does what it is given when it is told to, on the event loop and all at once."""

    def __init__(self) -> None:
        self._given: list[tuple[Future[Any], Callable[[], Any]]] = []
        self._has_more = asyncio.Event()

    def submit(self, work: Callable[..., Any], /, *asked: Any, **more: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._given.append((future, partial(work, *asked, **more)))
        self._has_more.set()
        return future

    async def wait(self, count: int) -> None:
        async with asyncio.timeout(180):
            while len(self._given) < count:
                self._has_more.clear()
                await self._has_more.wait()

    async def do(self, count: int) -> None:
        await self.wait(count)
        given, self._given = self._given, []
        for future, work in given:
            future.set_result(work())


async def test_whoever_comes_as_all_groups_end_is_served() -> None:
    held = Held()
    gatherer = Gatherer(Recorded().perform, lambda one: one, held, Turns())

    async def ask_twice() -> list[int]:
        return [await gatherer.submit(1), await gatherer.submit(3)]

    first = asyncio.create_task(ask_twice())
    await held.wait(1)
    second = asyncio.create_task(gatherer.submit(2))
    await held.do(2)
    await held.do(1)

    assert await first == [2, 6]
    assert await second == 4
