"""What belongs to a subscription: its invoices, and its usage so far (CONTRACT 3.6, 47)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from api.access.sessions import Reader, ReadSession, UsageReader
from api.access.usage_access import UsageReadSession
from api.routers.invoicing.invoices import list_invoices
from api.schemas.common import any_case
from api.schemas.usage import CustomerUsageView, view_customer_usage
from api.transport.exact_json import respond
from api.transport.pagination import PageDep
from api.transport.route import Router
from billing.invoicing.invoices import InvoiceStatus
from services.subscriptions.start import get_subscription
from services.usage import of_subscription

router = Router(prefix="/subscriptions/{subscription_id}", tags=["Subscriptions"])


@router.get("/invoices")
def list_subscription_invoices(
    subscription_id: UUID,
    session: ReadSession,
    principal: Reader,
    page: PageDep,
    status: Annotated[InvoiceStatus | None, any_case(InvoiceStatus), Query()] = None,
) -> Response:
    """List a subscription's invoices, oldest first."""
    get_subscription(session, principal.organization_id, subscription_id)
    return list_invoices(session, principal, page, subscription_id=subscription_id, status=status)


@router.get("/usage", response_model=CustomerUsageView)
def get_subscription_usage(
    subscription_id: UUID, session: UsageReadSession, principal: UsageReader
) -> Response:
    """Show usage in the current period, on every meter that the plan charges or limits."""
    found = of_subscription.query_subscription_usage(
        session, principal.organization_id, subscription_id
    )
    return respond(view_customer_usage(found))
