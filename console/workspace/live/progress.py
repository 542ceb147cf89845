"""How far long work has come, while somebody looks: a clock that advances, a chain verified."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from console.workspace.asking import Member
from console.workspace.live.streams import Fragments, writer_of

EVERY_SECONDS: Final = 2.0
MOST_TIMES: Final = 150
"""A screen that is left open asks no longer than five minutes."""
READY: Final = "ready"


async def show_clock_progress(member: Member) -> Fragments:
    """Where a clock stands, until it is ready. Raises Refused."""
    path = f"/test-clocks/{member.place()}"
    first = await member.get(path)
    write = writer_of(member, "clock_facts.html")
    return Fragments(
        _until_ready(member, path, first), lambda clock: write(clock=clock), closes=True
    )


async def _until_ready(
    member: Member, path: str, clock: Mapping[str, Any]
) -> AsyncIterator[Mapping[str, Any]]:
    yield clock
    for _ in range(MOST_TIMES):
        if clock["status"] == READY:
            return
        await asyncio.sleep(EVERY_SECONDS)
        clock = await member.get(path)
        yield clock


async def show_chain_progress(member: Member) -> Fragments:
    """How far the chain of the audit log holds, part after part, until its end. Raises Refused."""
    first = await member.get("/audit/chain", after=member.request.query_params.get("after"))
    write = writer_of(member, "chain_part.html")
    return Fragments(_until_verified(member, first), lambda chain: write(chain=chain), closes=True)


async def _until_verified(
    member: Member, chain: Mapping[str, Any]
) -> AsyncIterator[Mapping[str, Any]]:
    yield chain
    while chain["next_after"] is not None:
        chain = await member.get("/audit/chain", after=chain["next_after"])
        yield chain
