"""Events as they are taken (CONTRACT 3.7)."""

from __future__ import annotations

from typing import Any, Final

from fastapi import Request

from api.access.sessions import UsageReader
from api.context import state_of
from api.ingestion.streamed import StreamedUsage
from api.transport.route import Router

router = Router(prefix="/usage", tags=["Usage"])

STREAMED: Final[dict[str, Any]] = {
    "description": "What became of reports, one message a second at most.",
    "content": {"text/event-stream": {"schema": {"type": "string", "title": "Messages of JSON"}}},
}


@router.get("/stream", response_class=StreamedUsage, status_code=200, responses={200: STREAMED})
async def stream_usage_events(principal: UsageReader, request: Request) -> StreamedUsage:
    """Watch events as they are taken: counted, late, paused, not counted, duplicate or refused.

    Server-sent events. ``data`` of each message is a JSON object: ``data`` has at most 50 reports
    with their ``outcome``, ``passed_over`` says how many more there were. Whatever process of the
    API took a report, it is told. A stream ends by itself after five minutes; an organization has
    at most eight at a time, one member or key of it three.
    """
    tail = state_of(request.app).usage_tail
    return StreamedUsage(tail, principal.organization_id, principal.actor)
