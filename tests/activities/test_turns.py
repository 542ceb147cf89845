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
    turns = Turns(first=1)
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
    turns = Turns(first=1, most=3)
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


async def turn_of(turns: Turns, size: int, order: list[int]) -> None:
    """A group of that size has its turn."""
    async with turns.take(lambda: size):
        order.append(size)


async def test_largest_group_is_next() -> None:
    turns, order = Turns(first=1, joined_seconds=3600.0), list[int]()
    async with turns.take():
        waiting = [asyncio.create_task(turn_of(turns, size, order)) for size in (3, 20, 1, 7)]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)

    assert order == [20, 7, 3, 1]


async def test_group_whose_others_are_on_their_way_lets_whole_ones_pass() -> None:
    turns, order = Turns(first=1, joined_seconds=3600.0), list[str]()
    whole: set[str] = {"small"}

    async def one(name: str, size: int) -> None:
        async with turns.take(lambda: size, lambda: name in whole):
            order.append(name)

    async with turns.take():
        waiting = [
            asyncio.create_task(one("large", 20)),
            asyncio.create_task(one("small", 3)),
        ]
        await asyncio.sleep(0)
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert order == ["small"]

    whole.add("large")
    turns.look()
    await asyncio.gather(*waiting)

    assert order == ["small", "large"]


async def test_small_group_that_has_waited_for_long_is_next() -> None:
    turns, order = Turns(first=1, joined_seconds=0.0), list[int]()
    async with turns.take():
        waiting = [asyncio.create_task(turn_of(turns, size, order)) for size in (3, 20, 1, 7)]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)

    assert order == [3, 20, 1, 7]


async def test_of_groups_that_are_equally_large_the_first_is_next() -> None:
    turns, order = Turns(first=1), list[int]()
    names = iter(range(3))

    async def one() -> None:
        name = next(names)
        async with turns.take():
            order.append(name)

    async with turns.take():
        waiting = [asyncio.create_task(one()) for _ in range(3)]
        await asyncio.sleep(0)
    await asyncio.gather(*waiting)

    assert order == [0, 1, 2]


async def test_group_that_grows_while_it_waits_is_as_large_as_it_is_then() -> None:
    turns, order = Turns(first=1, joined_seconds=3600.0), list[str]()
    sizes = {"grows": 1, "stays": 5}

    async def one(name: str) -> None:
        async with turns.take(lambda: sizes[name]):
            order.append(name)

    async with turns.take():
        waiting = [asyncio.create_task(one(name)) for name in ("stays", "grows")]
        await asyncio.sleep(0)
        sizes["grows"] = 9
    await asyncio.gather(*waiting)

    assert order == ["grows", "stays"]


async def test_turn_of_one_who_gave_up_is_another_s() -> None:
    turns = Turns(first=1)
    async with turns.take():
        given_up = asyncio.create_task(turn_of(turns, 9, []))
        await asyncio.sleep(0)
        given_up.cancel()
    await asyncio.wait([given_up])

    assert given_up.cancelled()
    assert await most_at_once(turns, 2) == 1


async def test_turn_that_was_given_to_one_who_gave_up_is_another_s() -> None:
    turns = Turns(first=1)
    async with turns.take():
        given_up = asyncio.create_task(turn_of(turns, 9, []))
        await asyncio.sleep(0)
    given_up.cancel()  # it has the turn already, and does not know yet
    await asyncio.wait([given_up])

    assert given_up.cancelled()
    assert await most_at_once(turns, 2) == 1
