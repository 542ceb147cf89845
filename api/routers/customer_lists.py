"""What belongs to a customer: their subscriptions and their invoices (CONTRACT 3.5)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from api.access.sessions import Reader, ReadSession
from api.routers.invoicing.invoices import list_invoices
from api.routers.subscriptions.subscriptions import list_subscriptions
from api.schemas.common import any_case
from api.transport.pagination import PageDep
from api.transport.route import Router
from billing.invoicing.invoices import InvoiceStatus
from billing.subscriptions import SubscriptionStatus
from services import customers

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
    return list_subscriptions(session, principal, page, customer_id=customer_id, status=status)


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
    return list_invoices(session, principal, page, customer_id=customer_id, status=status)
