"""Whoever waits while others are served shares the next transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest

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


async def test_all_who_wait_are_answered_in_groups() -> None:
    recorded = Recorded()
    gatherer = Gatherer(recorded.perform, lambda one: one, None, Turns())

    answers = await asyncio.gather(*(gatherer.submit(one) for one in range(120)))

    assert answers == [2 * one for one in range(120)]
    assert [len(group) for group in recorded.groups] == [MOST_TOGETHER, MOST_TOGETHER, 20]


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
