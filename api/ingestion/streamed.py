"""Events as they are taken: what became of each report, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from fastapi.responses import StreamingResponse

from api.ingestion.stream_views import UsageTurn, view_told
from api.ingestion.tail import UsageTail
from api.transport.exact_json import dump_json

BEGINS: Final = b"retry: 2000\n\n"
"""Sent at once, so that whoever listens knows that they are heard."""
SILENCE: Final = b": nothing\n\n"


class StreamedUsage(StreamingResponse):
    """What becomes of reports, at most once a second, for five minutes."""

    media_type = "text/event-stream"

    def __init__(self, tail: UsageTail, organization_id: UUID, caller: str) -> None:
        """Raises TooManyRequests."""
        tail.require_room(organization_id, caller)
        turns = _turns(tail, organization_id, caller)
        super().__init__(turns, headers={"X-Accel-Buffering": "no"})


async def _turns(tail: UsageTail, organization_id: UUID, caller: str) -> AsyncIterator[bytes]:
    with tail.watch(organization_id, caller) as viewer:
        yield BEGINS
        async for told, passed_over in viewer.turns(tail.stream_seconds):
            if not told:
                yield SILENCE
                continue
            turn = UsageTurn(data=[view_told(one) for one in told], passed_over=passed_over)
            yield b"data: " + dump_json(turn) + b"\n\n"
