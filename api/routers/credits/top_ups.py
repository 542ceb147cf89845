"""Rules that top credit up by themselves, and their tries (docs/concepts/credits.md)."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from api.access.address_limits import visit_of
from api.access.sessions import Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.schemas.credits.top_ups import (
    TopUpRuleCreate,
    TopUpRuleUpdate,
    TopUpRuleView,
    TopUpView,
    view_rule,
    view_top_up,
)
from api.schemas.pages import PageOf
from api.transport.exact_json import respond
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from services.credits import top_ups

router = Router(tags=["Credits"])


@router.post("/customers/{customer_id}/top-up-rules", status_code=201, response_model=TopUpRuleView)
def create_top_up_rule(
    customer_id: UUID,
    body: TopUpRuleCreate,
    request: Request,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Buy a customer credit by the saved method, whenever too little is left."""
    command = body.command(asked_from=visit_of(request).address)
    created = top_ups.create_rule(
        session, principal.organization_id, customer_id, command, now=context.now()
    )
    return respond(view_rule(created), 201)


@router.get("/customers/{customer_id}/top-up-rules", response_model=PageOf[TopUpRuleView])
def list_top_up_rules(
    customer_id: UUID, session: ReadSession, principal: Reader, page: PageDep
) -> Response:
    """List a customer's rules, oldest first, on or off."""
    found, total = top_ups.list_rules(
        session, principal.organization_id, customer_id, offset=page.offset, limit=page.size
    )
    return respond(envelope([view_rule(one) for one in found], page, total))


@router.patch("/customers/{customer_id}/top-up-rules/{rule_id}", response_model=TopUpRuleView)
def update_top_up_rule(
    customer_id: UUID,
    rule_id: UUID,
    body: TopUpRuleUpdate,
    request: Request,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Switch a rule on or off. A try that is open goes on."""
    switched = top_ups.switch(
        session,
        principal.organization_id,
        customer_id,
        rule_id,
        is_enabled=body.enabled,
        asked_from=visit_of(request).address,
        now=context.now(),
    )
    return respond(view_rule(switched))


@router.get("/customers/{customer_id}/top-ups", response_model=PageOf[TopUpView])
def list_top_ups(
    customer_id: UUID, session: ReadSession, principal: Reader, page: PageDep
) -> Response:
    """List every try to top up a customer's credit, oldest first, failed ones too."""
    found, total = top_ups.list_top_ups(
        session, principal.organization_id, customer_id, offset=page.offset, limit=page.size
    )
    return respond(envelope([view_top_up(one) for one in found], page, total))
