"""What belongs to a customer: their subscriptions and their invoices (CONTRACT 3.5)."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from api.access.sessions import READS_BILLING
from api.reads.fast_reads import read_one
from api.routers.invoicing.invoices import list_invoices
from api.routers.subscriptions.subscriptions import list_subscriptions
from api.schemas.common import any_case
from api.schemas.invoicing.invoices import InvoiceView
from api.schemas.pages import PageOf
from api.schemas.subscriptions.subscriptions import SubscriptionView
from api.transport.pagination import PageDep
from api.transport.route import Router
from billing.invoicing.invoices import InvoiceStatus
from billing.subscriptions import SubscriptionStatus
from repositories.customers import CUSTOMERS

router = Router(prefix="/customers/{customer_id}", tags=["Customers"])


@router.fast_get(
    "/subscriptions", response_model=PageOf[SubscriptionView], dependencies=[READS_BILLING]
)
async def list_customer_subscriptions(
    request: Request,
    customer_id: str,
    page: PageDep,
    status: Annotated[SubscriptionStatus | None, any_case(SubscriptionStatus), Query()] = None,
) -> Response:
    """List a customer's subscriptions, oldest first."""
    customer = await read_one(request, CUSTOMERS, "customer_id", customer_id)
    return await list_subscriptions(request, page, customer_id=customer.id, status=status)


@router.fast_get("/invoices", response_model=PageOf[InvoiceView], dependencies=[READS_BILLING])
async def list_customer_invoices(
    request: Request,
    customer_id: str,
    page: PageDep,
    status: Annotated[InvoiceStatus | None, any_case(InvoiceStatus), Query()] = None,
) -> Response:
    """List a customer's invoices, oldest first."""
    customer = await read_one(request, CUSTOMERS, "customer_id", customer_id)
    return await list_invoices(request, page, customer_id=customer.id, status=status)
