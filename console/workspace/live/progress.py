"""How far long work has come, while somebody looks: a clock that advances, a chain verified."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from billing.invoicing.kinds import DocumentLanguage
from console.rendering import render
from console.workspace.asking import Member
from console.workspace.live.streams import Fragments
from console.workspace.values import Values

EVERY_SECONDS: Final = 2.0
MOST_TIMES: Final = 150
"""A screen that is left open asks no longer than five minutes."""
READY: Final = "ready"


async def show_clock_progress(member: Member) -> Fragments:
    """Where a clock stands, until it is ready. Raises Refused."""
    values = Values.of(member.organization, member.locale)
    path = f"/test-clocks/{member.place()}"
    first = await member.get(path)

    def write(clock: Mapping[str, Any]) -> bytes:
        return render(
            "workspace/clock_facts.html",
            language=DocumentLanguage.ENGLISH,
            values=values,
            clock=clock,
        )

    return Fragments(_until_ready(member, path, first), write, closes=True)


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
    values = Values.of(member.organization, member.locale)
    first = await member.get("/audit/chain", after=member.request.query_params.get("after"))

    def write(chain: Mapping[str, Any]) -> bytes:
        return render(
            "workspace/chain_part.html",
            language=DocumentLanguage.ENGLISH,
            values=values,
            chain=chain,
        )

    return Fragments(_until_verified(member, first), write, closes=True)


async def _until_verified(
    member: Member, chain: Mapping[str, Any]
) -> AsyncIterator[Mapping[str, Any]]:
    yield chain
    while chain["next_after"] is not None:
        chain = await member.get("/audit/chain", after=chain["next_after"])
        yield chain
