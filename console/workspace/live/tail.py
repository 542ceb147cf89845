"""Events as they are taken, each with what became of it, as rows of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from billing.invoicing.kinds import DocumentLanguage
from console.rendering import render
from console.workspace.asking import Member
from console.workspace.live.streams import Fragments, open_stream
from console.workspace.values import Values


async def show_tail(member: Member) -> Fragments:
    """Rows, the newest first, as the API tells of them. Raises Refused."""
    values = Values.of(member.organization, member.locale)

    def write(turn: Mapping[str, Any]) -> bytes:
        return render(
            "workspace/told.html",
            language=DocumentLanguage.ENGLISH,
            values=values,
            told=list(reversed(turn["data"])),
            passed_over=turn["passed_over"],
        )

    return Fragments(await open_stream(member, "/usage/stream"), write)
