"""Test clocks: the list of them, and one with what happened to those of a page who live by it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Final

from console.workspace.asking import Member
from console.workspace.billing_actions import ADVANCE, NEW_CLOCK
from console.workspace.frame import Screen
from console.workspace.lists import Turned, turn
from console.workspace.parts import Part, read_parts

CLOCK: Final = "/test-clocks/{id}"
FEW: Final = 8
"""Subscriptions of a page, of each of which the timeline is asked."""
MOST_EFFECTS: Final = 60


async def show_clocks(member: Member) -> Screen:
    """Test clocks: where each stands, and how to move it on."""
    clocks = await turn(member, "/test-clocks")
    shown = [{**one, "advance": ADVANCE.offer(id=one["id"])} for one in clocks.rows]
    return Screen(
        template="clocks.html",
        title="Test clocks",
        values={"clocks": shown, "pages": clocks, "new": NEW_CLOCK.offer()},
    )


async def show_clock(member: Member) -> Screen:
    """A clock with the subscriptions on it; what happened to them follows."""
    place = member.place()
    clock, subscriptions, parts = await asyncio.gather(
        member.get(f"/test-clocks/{place}"), _subscriptions(member), read_parts(member, *PARTS)
    )
    return Screen(
        template="clock.html",
        title=str(clock["name"]),
        values={
            "clock": clock,
            "subscriptions": subscriptions.rows,
            "pages": subscriptions,
            "advance": ADVANCE.offer(id=clock["id"]),
            **parts,
        },
    )


async def read_effects(member: Member) -> dict[str, Any]:
    """What happened to the subscriptions of the page, the newest first."""
    subscriptions = (await _subscriptions(member)).rows
    timelines = await asyncio.gather(
        *(member.get(f"/subscriptions/{one['id']}/timeline") for one in subscriptions)
    )
    effects = [
        {**entry, "subscription": one}
        for one, timeline in zip(subscriptions, timelines, strict=True)
        for entry in timeline["past"]
    ]
    # Of one instant what happened last stands first, as in each timeline.
    effects.reverse()
    effects.sort(key=lambda one: datetime.fromisoformat(one["at"]), reverse=True)
    return {"effects": effects[:MOST_EFFECTS], "more_effects": len(effects) > MOST_EFFECTS}


async def _subscriptions(member: Member) -> Turned:
    whose = {"test_clock_id": member.place()}
    return await turn(member, "/subscriptions", asked=whose, page_size=FEW)


PARTS: Final = (
    Part(path=f"{CLOCK}/effects", template="clock_effects.html", read=read_effects, screen=CLOCK),
)
