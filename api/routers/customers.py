"""Customers: who is billed."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request, Response

from api.access.sessions import READS_BILLING, Writer, WriteSession
from api.catching_up import WorkDep, open_by_name
from api.context import ContextDep
from api.reads.fast_reads import show_one, show_page
from api.schemas.customers import (
    CustomerCreate,
    CustomerPatch,
    CustomerView,
    PendingDeletionView,
    view_customer,
    view_pending_deletion,
)
from api.schemas.pages import PageOf
from api.transport.exact_json import respond
from api.transport.pagination import PageDep
from api.transport.refused.forms import STORABLE
from api.transport.route import Router
from repositories import customers as stored_customers
from repositories.subscriptions import subscriptions
from services import customers

router = Router(prefix="/customers", tags=["Customers"])

SearchText = Annotated[
    str | None,
    Query(
        max_length=500,
        pattern=STORABLE,
        description="Looked for in name, email and external_id.",
    ),
]


@router.post("", status_code=201, response_model=CustomerView)
def create_customer(
    body: CustomerCreate, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Create a customer."""
    created = customers.create_customer(
        session, principal.organization_id, body.command(), now=context.now()
    )
    return respond(view_customer(created), 201)


@router.fast_get("", response_model=PageOf[CustomerView], dependencies=[READS_BILLING])
async def list_customers(
    request: Request, page: PageDep, q: SearchText = None, test_clock_id: UUID | None = None
) -> Response:
    """List customers, oldest first."""
    return await show_page(
        request,
        stored_customers.CUSTOMER_PAGES,
        view_customer,
        page,
        search=(q or "").strip() or None,
        test_clock_id=test_clock_id,
    )


@router.fast_get("/{customer_id}", response_model=CustomerView, dependencies=[READS_BILLING])
async def get_customer(request: Request, customer_id: str) -> Response:
    """Show a customer."""
    return await show_one(
        request, stored_customers.CUSTOMERS, view_customer, "customer_id", customer_id
    )


@router.put("/{customer_id}", response_model=CustomerView, operation_id="put_customer")
@router.patch("/{customer_id}", response_model=CustomerView)
def update_customer(
    customer_id: UUID,
    body: CustomerPatch,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Edit a customer; what the body leaves out stays."""
    updated = customers.update_customer(
        session, principal.organization_id, customer_id, body.command(), now=context.now()
    )
    return respond(view_customer(updated))


@router.delete(
    "/{customer_id}",
    status_code=204,
    responses={202: {"model": PendingDeletionView}},
    dependencies=[Depends(open_by_name)],
)
def delete_customer(
    customer_id: UUID, principal: Writer, context: ContextDep, work: WorkDep
) -> Response:
    """Delete a customer; issued invoices stay.

    202 while subscriptions are left to be canceled, because more periods are missed than one
    request bills; their workflows go on.
    """
    organization_id, now = principal.organization_id, context.now()
    with work.open() as session:
        ending = customers.delete_customer(session, organization_id, customer_id, now=now)
    for subscription_id in ending:
        work.go_on(subscription_id)
    with work.open() as session:
        waiting = subscriptions.count_pending(session, organization_id, customer_id)
    if waiting == 0:
        return Response(status_code=204)
    return respond(view_pending_deletion(customer_id, at=now, subscriptions=waiting), 202)
