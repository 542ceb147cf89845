"""How many events come in: of the last minute, counted while somebody looks."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

from console.workspace.asking import Member
from console.workspace.live.streams import Fragments, open_stream, writer_of

MINUTE: Final = 60.0
REFUSED: Final = "refused"
MOST_WITH_TENTHS: Final = 100


async def show_ingestion(member: Member) -> Fragments:
    """Events a second, as often as the API tells of some. Raises Refused."""
    turns = await open_stream(member, "/usage/stream")
    rates = count_rates(turns, asyncio.get_running_loop().time)
    write = writer_of(member, "overview_rate.html")
    return Fragments(rates, lambda rate: write(rate=rate))


async def count_rates(
    turns: AsyncIterator[Any], clock: Callable[[], float]
) -> AsyncIterator[Mapping[str, Any]]:
    """After each turn of the stream, how many events came in the last minute.

    ``a_second`` is of as much of it as was looked at, in whole seconds, one at least; ``refused``
    are those of them that were, as far as turns name them.
    """
    began_at = clock()
    counted: deque[tuple[float, int, int]] = deque()
    yield _rate_of(counted, 0.0)
    async for turn in turns:
        now = clock()
        if turn is not None:
            refused = sum(one["outcome"] == REFUSED for one in turn["data"])
            counted.append((now, len(turn["data"]) + turn["passed_over"], refused))
        while counted and counted[0][0] <= now - MINUTE:
            counted.popleft()
        yield _rate_of(counted, now - began_at)


def _rate_of(counted: deque[tuple[float, int, int]], looked: float) -> Mapping[str, Any]:
    seconds = max(1, round(min(looked, MINUTE)))
    events = sum(count for _, count, _ in counted)
    return {
        "events": events,
        "refused": sum(refused for _, _, refused in counted),
        "seconds": seconds,
        # Tenths are enough for people, and whole numbers where there are many.
        "a_second": _tenths(events, seconds),
    }


def _tenths(events: int, seconds: int) -> str:
    """Events a second, rounded down. Worked example: 7 in 60 seconds are 0.1."""
    whole, tenth = divmod(events * 10 // seconds, 10)
    return str(whole) if tenth == 0 or whole >= MOST_WITH_TENTHS else f"{whole}.{tenth}"
