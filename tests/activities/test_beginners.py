"""Those who begin while others go from step to step begin together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from activities.group_commit import ENOUGH_TO_BEGIN, GATHER_SECONDS, Gatherer
from activities.turns import Turns

SOON = 20 * GATHER_SECONDS


class Others:
    """Bills that go from step to step, or are done."""

    def __init__(self, *, joined_seconds: float = 3600.0) -> None:
        self.go_on = True
        self.turns = Turns(joined_seconds=joined_seconds, patient_seconds=3600.0)
        self.groups: list[list[int]] = []
        self.gatherer = Gatherer(
            self._perform, lambda one: one, None, self.turns, others_go_on=lambda: self.go_on
        )

    def _perform(self, requests: Sequence[int]) -> list[int | Exception]:
        self.groups.append(sorted(requests))
        return [*requests]

    def begin(self, *requests: int) -> list[asyncio.Task[int]]:
        """These ask for their step."""
        return [asyncio.create_task(self.gatherer.submit(one)) for one in requests]


async def test_beginners_beside_others_wait_until_they_are_enough() -> None:
    others = Others()
    early = others.begin(0, 1, 2)
    await asyncio.sleep(SOON)
    assert others.groups == []

    late = others.begin(*range(3, ENOUGH_TO_BEGIN))
    async with asyncio.timeout(30):
        await asyncio.gather(*early, *late)

    assert others.groups == [[*range(ENOUGH_TO_BEGIN)]]


async def test_beginners_who_hold_up_nobody_begin_at_once() -> None:
    others = Others()
    others.go_on = False
    async with asyncio.timeout(30):
        await asyncio.gather(*others.begin(0, 1))

    assert others.groups == [[0, 1]]


async def test_beginners_begin_when_the_others_are_done() -> None:
    others = Others()
    waiting = others.begin(0, 1)
    await asyncio.sleep(SOON)
    assert others.groups == []

    others.go_on = False
    others.turns.look()
    async with asyncio.timeout(30):
        await asyncio.gather(*waiting)

    assert others.groups == [[0, 1]]


async def test_who_comes_from_the_step_before_waits_for_no_beginners() -> None:
    others = Others()
    others.gatherer.expect([7])
    async with asyncio.timeout(30):
        await asyncio.gather(*others.begin(7))

    assert others.groups == [[7]]


async def test_beginners_wait_for_others_no_longer_than_a_small_group_is_joined() -> None:
    others = Others(joined_seconds=SOON)
    async with asyncio.timeout(30):
        await asyncio.gather(*others.begin(3))

    assert others.groups == [[3]]


async def test_a_gatherer_goes_on_while_it_serves_or_waits_for_those_it_expects() -> None:
    others = Others()
    others.go_on = False
    seen = [others.gatherer.goes_on]

    others.gatherer.expect([5])
    seen.append(others.gatherer.goes_on)
    async with asyncio.timeout(30):
        await asyncio.gather(*others.begin(5))
    await asyncio.sleep(0)
    seen.append(others.gatherer.goes_on)

    assert seen == [False, True, False]
    assert others.groups == [[5]]


@pytest.mark.parametrize("number", [1, ENOUGH_TO_BEGIN])
async def test_beginners_who_wait_are_none_who_go_on(number: int) -> None:
    others = Others()
    waiting = others.begin(*range(number))
    await asyncio.sleep(0)

    assert not others.gatherer.goes_on
    others.go_on = False
    others.turns.look()
    async with asyncio.timeout(30):
        await asyncio.gather(*waiting)
