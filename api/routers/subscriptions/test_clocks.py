"""Test clocks: time for the customers of a test."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from api.access.sessions import Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.schemas.pages import PageOf
from api.schemas.subscriptions.test_clocks import (
    TestClockAdvance,
    TestClockCreate,
    TestClockView,
    view_clock,
)
from api.transport.exact_json import respond
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from services.invoicing.threshold import looking
from services.subscriptions import clocks

router = Router(prefix="/test-clocks", tags=["Test clocks"])


@router.post("", status_code=201, response_model=TestClockView)
def create_test_clock(
    body: TestClockCreate, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Make a clock; customers created with its id live on it."""
    clock = clocks.create_clock(
        session, principal.organization_id, body.name, body.frozen_time, now=context.now()
    )
    return respond(view_clock(clock), 201)


@router.get("", response_model=PageOf[TestClockView])
def list_test_clocks(session: ReadSession, principal: Reader, page: PageDep) -> Response:
    """List the clocks, oldest first."""
    found, total = clocks.list_clocks(
        session, principal.organization_id, offset=page.offset, limit=page.size
    )
    return respond(envelope([view_clock(clock) for clock in found], page, total))


@router.get("/{test_clock_id}", response_model=TestClockView)
def get_test_clock(test_clock_id: UUID, session: ReadSession, principal: Reader) -> Response:
    """Show a clock; poll it until it is ``ready``."""
    return respond(view_clock(clocks.get_clock(session, principal.organization_id, test_clock_id)))


@router.post("/{test_clock_id}/advance", status_code=202, response_model=TestClockView)
def advance_test_clock(
    test_clock_id: UUID,
    body: TestClockAdvance,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Send a clock to a later instant; everything due on the way happens in order."""
    now = context.now()
    looking.look_before_advance(session, principal.organization_id, test_clock_id, now=now)
    clock = clocks.advance_clock(
        session, principal.organization_id, test_clock_id, body.frozen_time, now=now
    )
    return respond(view_clock(clock), 202)


@router.delete("/{test_clock_id}", status_code=204)
def delete_test_clock(
    test_clock_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """End a clock together with its customers."""
    clocks.delete_clock(session, principal.organization_id, test_clock_id, now=context.now())
    return Response(status_code=204)
