"""Holds of credit (docs/concepts/credits.md)."""

from __future__ import annotations

from uuid import UUID

from fastapi import Response

from api.access.sessions import Writer, WriteSession
from api.context import ContextDep
from api.schemas.credits.holds import HoldCreate, HoldSettle, HoldView, view_hold
from api.transport.exact_json import respond
from api.transport.route import Router
from services.credits import holds
from services.rating import accruing

router = Router(prefix="/credits/holds", tags=["Credits"])


@router.post("", status_code=201, response_model=HoldView)
def create_hold(
    body: HoldCreate, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Set a customer's credit aside before something is used."""
    command, organization_id, now = body.command(), principal.organization_id, context.now()
    used = accruing.find_unholdable(
        session, organization_id, command.customer_id, command.unit, now=now
    )
    made = holds.hold(session, organization_id, command, accruing=used, now=now)
    return respond(view_hold(made), 201)


@router.post("/{hold_id}/settle", response_model=HoldView)
def settle_hold(
    hold_id: UUID,
    body: HoldSettle,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Draw what was used of a hold; the rest is free again."""
    settled = holds.settle(
        session, principal.organization_id, hold_id, body.amount, now=context.now()
    )
    return respond(view_hold(settled))


@router.delete("/{hold_id}", status_code=204)
def release_hold(
    hold_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Free what a hold set aside."""
    holds.release(session, principal.organization_id, hold_id, now=context.now())
    return Response(status_code=204)
