"""Holds of credit (docs/concepts/credits.md)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from fastapi import Request, Response
from pydantic import ValidationError

from api.access.authentication import authenticate_async
from api.access.sessions import Writer, WriteSession
from api.context import ContextDep, state_of
from api.reads.batches import InDoubt
from api.schemas.credits.holds import (
    HoldCreate,
    HoldSettle,
    HoldView,
    view_hold,
    view_placed,
)
from api.transport.exact_json import respond
from api.transport.fast_path import LeftToFramework
from api.transport.route import ExactRequest, Router, require_object
from billing.errors import BillingError, TooManyRequests, Unauthenticated
from services.credits import holds
from services.rating import accruing

router = Router(prefix="/credits/holds", tags=["Credits"])

TRIED: Final = "hold_id_tried_in_front"
"""What a request's state calls the id under which its hold was tried to be placed."""


@router.post("", status_code=201, response_model=HoldView)
def create_hold(
    body: HoldCreate,
    request: Request,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Set a customer's credit aside before something is used."""
    command, organization_id, now = body.command(), principal.organization_id, context.now()
    # Tried in front without an answer: if it was placed nevertheless, its id says so.
    command = replace(command, hold_id=getattr(request.state, TRIED, command.hold_id))
    used = accruing.find_unholdable(
        session, organization_id, command.customer_id, command.unit, now=now
    )
    made = holds.hold(session, organization_id, command, accruing=used, now=now)
    return respond(view_hold(made), 201)


@router.in_front("", create_hold)
async def place_hold(request: Request) -> Response:
    """Set a customer's credit aside in one statement with the holds of the same moment.

    Whatever is refused, was there before, or has something to be done first, is left to
    :func:`create_hold`, which says why: nothing was done here then. So is what may have been placed
    or not, under the same id: it waits for the wallet, finds the hold there or places it.
    """
    exact, state = ExactRequest(request.scope, request.receive), state_of(request.app)
    document = None
    if await exact.keep_to_limits():
        document = await exact.json()
        require_object(document, is_required=True)
    try:
        principal = await authenticate_async(request, state.context)
        principal.require_scope("billing.write")
        command = HoldCreate.model_validate(document).command()
        asked = holds.ask_for(command, now=state.context.now())
    except (TooManyRequests, Unauthenticated):
        # Whoever was counted is not counted again, and would pass; whom nobody knows is not looked
        # up again.
        raise
    except (BillingError, ValidationError) as error:
        raise LeftToFramework from error
    setattr(request.state, TRIED, asked.id)
    try:
        placed = await state.batched_holds.ask(principal.organization_id, asked)
    except InDoubt as error:
        raise LeftToFramework from error
    if placed is None:
        raise LeftToFramework
    return respond(view_placed(asked, placed), 201)


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
