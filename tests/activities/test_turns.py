"""Groups that wait more than they work are fewer; groups that work are more."""

from __future__ import annotations

import asyncio

import pytest

from activities.turns import FEWEST, FIRST, MOST, Spent, Turns

WORKED = Spent(seconds=0.1, cpu_seconds=0.09)
WAITED = Spent(seconds=0.1, cpu_seconds=0.01)
BETWEEN = Spent(seconds=0.1, cpu_seconds=0.035)


async def most_at_once(turns: Turns, tasks: int) -> int:
    """How many of so many tasks are within their turns at the same time, at most."""
    present: set[int] = set()
    most = 0

    async def work(number: int) -> None:
        nonlocal most
        async with turns.take():
            present.add(number)
            most = max(most, len(present))
            await asyncio.sleep(0.001)
            present.remove(number)

    await asyncio.gather(*map(work, range(tasks)))
    return most


async def test_no_more_work_at_once_than_there_is_room_for() -> None:
    assert await most_at_once(Turns(), 20) == FIRST


async def test_room_grows_while_groups_work_and_has_an_end() -> None:
    turns = Turns()
    for _ in range(1000):
        turns.learn(WORKED)

    assert turns.room == MOST
    assert await most_at_once(turns, 20) == MOST


async def test_groups_that_wait_leave_room_for_one_that_always_goes_on() -> None:
    turns = Turns(first=MOST)
    for _ in range(100):
        turns.learn(WAITED)

    assert turns.room == FEWEST
    assert await most_at_once(turns, 5) == 1


async def test_room_stays_between_and_comes_back_one_by_one() -> None:
    turns = Turns(first=1)
    turns.learn(BETWEEN)
    assert turns.room == 1

    turns.learn(WORKED)
    assert turns.room == 2
    turns.learn(WORKED)
    assert turns.room == 2
    turns.learn(WORKED)
    assert turns.room == 2
    turns.learn(WORKED)
    assert turns.room == 3


async def test_turn_of_one_who_failed_is_given_back() -> None:
    turns = Turns(first=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="broken"):
            async with turns.take():
                raise ValueError("broken")

    assert await most_at_once(turns, 2) == 1


async def test_group_that_waits_for_long_holds_up_no_other() -> None:
    turns = Turns(first=1, patient_seconds=0.05)
    async with turns.take(), asyncio.timeout(5), turns.take():
        pass

    assert await most_at_once(turns, 2) == 1
