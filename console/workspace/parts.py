"""Parts of a screen that follow it: what is summed or rated, while the rest is there already.

A script asks for each as the page is there. Without scripts a link asks for the whole of the same
page at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from console.rendering import SCRIPT_HEADER
from console.workspace.asking import Member
from console.workspace.frame import HOME, Screen, see_other

WHOLE: Final = "whole"
"""By which an address asks for all parts at once."""

Read = Callable[[Member], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part: where it is, the template of it, what that needs, and the screen that it is of."""

    path: str
    template: str
    read: Read
    screen: str = ""

    async def show(self, member: Member) -> Screen | Response:
        """The part by itself, for a script; as a page, the whole of its screen."""
        if SCRIPT_HEADER not in member.request.headers:
            place = {name: member.place(name) for name in member.request.path_params}
            return see_other(f"{HOME}{self.screen.format(**place)}{_whole(member)}")
        found = await self.read(member)
        values = {**found, "is_part": True}
        return Screen(template=self.template, title="", fragment=self.template, values=values)


async def read_parts(member: Member, *parts: Part) -> dict[str, Any]:
    """What the templates of parts need in the screen: nothing, unless it was asked for whole."""
    is_whole = WHOLE in member.request.query_params
    found: list[dict[str, Any]] = []
    if is_whole:
        found = await asyncio.gather(*(one.read(member) for one in parts))
    named = {name: value for one in found for name, value in one.items()}
    return named | {"is_whole": is_whole, "is_part": False, "whole": _whole(member)}


def _whole(member: Member) -> str:
    """The query of the same page with all of its parts."""
    return f"?{urlencode({**member.request.query_params, WHOLE: 'now'})}"
