"""What belongs to a customer: their subscriptions and their invoices (CONTRACT 3.5)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from api.access.sessions import Reader, ReadSession
from api.routers.invoices import view_invoices
from api.routers.subscriptions import view_all
from api.schemas.common import any_case
from api.transport.exact_json import respond
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from billing.invoicing.invoices import InvoiceStatus
from billing.subscriptions import SubscriptionStatus
from repositories.invoicing import invoices
from services import customers
from services.subscriptions import start

router = Router(prefix="/customers/{customer_id}", tags=["Customers"])


@router.get("/subscriptions")
def list_customer_subscriptions(
    customer_id: UUID,
    session: ReadSession,
    principal: Reader,
    page: PageDep,
    status: Annotated[SubscriptionStatus | None, any_case(SubscriptionStatus), Query()] = None,
) -> Response:
    """List a customer's subscriptions, oldest first."""
    customers.get_customer(session, principal.organization_id, customer_id)
    found, total = start.list_subscriptions(
        session,
        principal.organization_id,
        customer_id=customer_id,
        status=status,
        offset=page.offset,
        limit=page.size,
    )
    return respond(envelope(view_all(session, principal.organization_id, found), page, total))


@router.get("/invoices")
def list_customer_invoices(
    customer_id: UUID,
    session: ReadSession,
    principal: Reader,
    page: PageDep,
    status: Annotated[InvoiceStatus | None, any_case(InvoiceStatus), Query()] = None,
) -> Response:
    """List a customer's invoices, oldest first."""
    customers.get_customer(session, principal.organization_id, customer_id)
    found, total = invoices.list_invoices(
        session,
        principal.organization_id,
        customer_id=customer_id,
        subscription_id=None,
        status=status,
        offset=page.offset,
        limit=page.size,
    )
    return respond(envelope(view_invoices(session, principal.organization_id, found), page, total))
