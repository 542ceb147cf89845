"""Grants of credit (docs/concepts/credits.md)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from api.access.sessions import Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.schemas.credits.grants import GrantCreate, GrantEnd, GrantView, view_grant
from api.schemas.pages import PageOf
from api.transport.exact_json import respond
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from services.corrections import purchases
from services.credits import standing
from services.purchases import buying

router = Router(tags=["Credits"])

OneUnit = Annotated[
    str | None, Query(max_length=40, description="Of this unit alone: its code, or a currency.")
]


@router.post("/customers/{customer_id}/grants", status_code=201, response_model=GrantView)
def create_grant(
    customer_id: UUID,
    body: GrantCreate,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Grant a customer credit, or sell it by an invoice that is open at once."""
    created = buying.create_grant(
        session,
        principal.organization_id,
        customer_id,
        body.command(),
        body.terms(),
        now=context.now(),
    )
    return respond(view_grant(created), 201)


@router.get("/customers/{customer_id}/grants", response_model=PageOf[GrantView])
def list_grants(
    customer_id: UUID,
    session: ReadSession,
    principal: Reader,
    context: ContextDep,
    page: PageDep,
    unit: OneUnit = None,
) -> Response:
    """List a customer's grants as they stand, oldest first."""
    found, total = standing.list_grants(
        session,
        principal.organization_id,
        customer_id,
        unit=unit,
        offset=page.offset,
        limit=page.size,
        now=context.now(),
    )
    return respond(envelope([view_grant(one) for one in found], page, total))


@router.get("/grants/{grant_id}", response_model=GrantView)
def get_grant(
    grant_id: UUID, session: ReadSession, principal: Reader, context: ContextDep
) -> Response:
    """Show a grant as it stands."""
    found = standing.read_grant(session, principal.organization_id, grant_id, now=context.now())
    return respond(view_grant(found))


@router.post("/grants/{grant_id}/end", response_model=GrantView)
def end_grant(
    grant_id: UUID,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
    body: GrantEnd | None = None,
) -> Response:
    """End a grant before its time: what is left cannot be spent any more, and may be refunded."""
    ended = purchases.end_grant(
        session,
        principal.organization_id,
        grant_id,
        refund=body is not None and body.refund,
        now=context.now(),
    )
    return respond(view_grant(ended))
