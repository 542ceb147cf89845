"""What belongs to a subscription: its invoices, and its usage so far (CONTRACT 3.6, 47)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from api.access.sessions import READS_BILLING, UsageReader, UsageReadSession
from api.reads.fast_reads import IdText, read_one
from api.routers.invoicing.invoices import list_invoices
from api.schemas.common import any_case
from api.schemas.invoicing.invoices import InvoiceView
from api.schemas.pages import PageOf
from api.schemas.usage import CustomerUsageView, view_customer_usage
from api.transport.exact_json import respond
from api.transport.pagination import PageDep
from api.transport.route import Router
from billing.invoicing.invoices import InvoiceStatus
from repositories.catalog.shown import SUBSCRIPTIONS
from services.usage import of_subscription

router = Router(prefix="/subscriptions/{subscription_id}", tags=["Subscriptions"])


@router.fast_get("/invoices", response_model=PageOf[InvoiceView], dependencies=[READS_BILLING])
async def list_subscription_invoices(
    request: Request,
    subscription_id: IdText,
    page: PageDep,
    status: Annotated[InvoiceStatus | None, any_case(InvoiceStatus), Query()] = None,
) -> Response:
    """List a subscription's invoices, oldest first."""
    found = await read_one(request, SUBSCRIPTIONS, "subscription_id", subscription_id)
    return await list_invoices(request, page, subscription_id=found.subscription.id, status=status)


@router.get("/usage", response_model=CustomerUsageView)
def get_subscription_usage(
    subscription_id: UUID, session: UsageReadSession, principal: UsageReader
) -> Response:
    """Show usage in the current period, on every meter that the plan charges or limits."""
    found = of_subscription.query_subscription_usage(
        session, principal.organization_id, subscription_id
    )
    return respond(view_customer_usage(found))
