"""Correcting usage: void and amend, new facts about an event (CONTRACT section 6, 46)."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from api.access.sessions import UsageWriter, UsageWriteSession
from api.context import ContextDep
from api.schemas.usage import AmendUsage, UsageEventView, view_event
from api.transport.exact_json import respond
from api.transport.route import Router
from services.usage import corrections

router = Router(prefix="/usage", tags=["Usage"])


@router.post("/{event_id}/void", response_model=UsageEventView)
def void_usage_event(
    event_id: UUID, session: UsageWriteSession, principal: UsageWriter, context: ContextDep
) -> Response:
    """Make an event count no more. Repeating it changes nothing."""
    found = corrections.void_usage(session, principal.organization_id, event_id, now=context.now())
    return respond(view_event(found.event, found.correction))


@router.post("/{event_id}/amend", response_model=UsageEventView)
def amend_usage_event(
    event_id: UUID,
    body: AmendUsage,
    session: UsageWriteSession,
    principal: UsageWriter,
    context: ContextDep,
) -> Response:
    """Make an event count with another quantity. Repeating it changes nothing."""
    found = corrections.amend_usage(
        session, principal.organization_id, event_id, body.quantity, now=context.now()
    )
    return respond(view_event(found.event, found.correction))
