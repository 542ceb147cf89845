"""Events as they are taken, each with what became of it, as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.workspace.asking import Member
from console.workspace.live.streams import Fragments, open_stream, writer_of


async def show_tail(member: Member) -> Fragments:
    """Rows, the newest first, as the API tells of them. Raises Refused."""
    write = writer_of(member, "told.html")

    def write_turn(turn: Mapping[str, Any]) -> bytes:
        return write(told=list(reversed(turn["data"])), passed_over=turn["passed_over"])

    return Fragments(await open_stream(member, "/usage/stream"), write_turn)
