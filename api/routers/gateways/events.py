"""What gateways told, and what became of it; methods that customers saved there."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from api.access.sessions import Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.schemas.common import any_case
from api.schemas.gateways.events import GatewayEventView, PaymentMethodView, view_event, view_method
from api.schemas.pages import CursorPageOf, ListOf
from api.transport.exact_json import respond
from api.transport.pagination import COUNTED_AT_MOST, ListRangeDep, list_range_envelope
from api.transport.route import Router
from billing.payments.states import EventStatus
from repositories import customers as stored_customers
from repositories.payments import events as stored_events
from repositories.payments import links as stored_links
from services.payments import methods
from services.required import require_customer

router = Router(tags=["Gateways"])


@router.get("/gateway-events", response_model=CursorPageOf[GatewayEventView])
def list_gateway_events(
    session: ReadSession,
    principal: Reader,
    list_range: ListRangeDep,
    status: Annotated[EventStatus | None, any_case(EventStatus), Query()] = None,
    connection_id: Annotated[UUID | None, Query()] = None,
) -> Response:
    """List what gateways told, newest first; ``needs_attention`` waits for somebody."""
    size = list_range.page.size
    # One more than is shown tells whether the list goes on.
    found = stored_events.list_events(
        session,
        principal.organization_id,
        status=status,
        connection_id=connection_id,
        before=list_range.after,
        offset=list_range.offset,
        limit=size + 1,
    )
    total = stored_events.count_events(
        session,
        principal.organization_id,
        status=status,
        connection_id=connection_id,
        at_most=COUNTED_AT_MOST + 1,
    )
    shown = found[:size]
    last = (shown[-1].received_at, shown[-1].id) if len(found) > size else None
    events = [view_event(one) for one in shown]
    return respond(list_range_envelope(events, list_range, total, last))


@router.get("/customers/{customer_id}/payment-methods", response_model=ListOf[PaymentMethodView])
def list_payment_methods(customer_id: UUID, session: ReadSession, principal: Reader) -> Response:
    """List what the customer's later invoices can be charged to; no card number is known here."""
    organization_id = principal.organization_id
    require_customer(stored_customers.find_customer(session, organization_id, customer_id))
    found = stored_links.list_methods(session, organization_id, customer_id)
    return respond({"data": [view_method(one) for one in found]})


@router.delete("/customers/{customer_id}/payment-methods/{method_id}", status_code=204)
def delete_payment_method(
    customer_id: UUID,
    method_id: UUID,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Forget a method: nothing is charged to it any more."""
    methods.delete_method(
        session, principal.organization_id, customer_id, method_id, now=context.now()
    )
    return Response(status_code=204)
