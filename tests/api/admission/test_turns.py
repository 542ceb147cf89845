"""RequestSlots are shared between parties: each its share, and turn about."""

from __future__ import annotations

import asyncio

import pytest

from api.admission.slots import Admission
from billing.errors import Unavailable


async def test_party_has_its_share_and_others_have_the_rest() -> None:
    admission = Admission(4, of_one=2)
    begun: list[str] = []
    end = asyncio.Event()

    async def take(party: str) -> None:
        async with admission.admit(party):
            begun.append(party)
            await end.wait()

    tasks = [asyncio.create_task(take(party)) for party in "aaaaabb"]
    await asyncio.sleep(0)
    held = list(begun)
    end.set()
    await asyncio.gather(*tasks)

    assert held == ["a", "a", "b", "b"]
    assert sorted(begun) == ["a"] * 5 + ["b"] * 2


async def test_parties_that_wait_take_turns() -> None:
    admission = Admission(1, of_one=1)
    order: list[str] = []

    async def take(party: str) -> None:
        async with admission.admit(party):
            order.append(party)
            await asyncio.sleep(0)

    await asyncio.gather(*(take(party) for party in "aaaabbc"))

    assert order == ["a", "a", "b", "c", "a", "b", "a"]


async def test_place_of_whoever_gave_up_goes_to_the_next() -> None:
    admission = Admission(1, of_one=1)
    end = asyncio.Event()
    leaving: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def take(party: str, leaving: asyncio.Future[None] | None = None) -> None:
        async with admission.admit(party, leaving=leaving):
            await end.wait()

    first = asyncio.create_task(take("a"))
    cancelled = asyncio.create_task(take("b"))
    left = asyncio.create_task(take("c", leaving))
    last = asyncio.create_task(take("d"))
    await asyncio.sleep(0)
    cancelled.cancel()
    leaving.set_result(None)
    await asyncio.sleep(0.01)
    end.set()

    results = await asyncio.gather(first, cancelled, left, last, return_exceptions=True)
    assert results[0] is results[3] is None
    assert isinstance(results[1], asyncio.CancelledError)
    assert isinstance(results[2], Unavailable)
    assert results[2].code == "caller_left"


async def test_nobody_joins_a_line_of_their_own_that_is_too_long() -> None:
    admission = Admission(1, of_one=1, most_waiting=1)

    async with admission.admit("a"):
        waiting = asyncio.create_task(admission.admit("a").__aenter__())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable) as caught:
            await admission.admit("a").__aenter__()
        waiting.cancel()

    assert caught.value.code == "too_busy"
    async with admission.admit("a"):
        pass


async def test_whoever_waits_too_long_is_sent_away() -> None:
    admission = Admission(1, of_one=1, waiting_seconds=0.01)

    async with admission.admit("a"):
        with pytest.raises(Unavailable) as caught:
            await admission.admit("b").__aenter__()

    assert caught.value.code == "too_busy"
