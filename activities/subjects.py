"""What requests are about, as the database knows it."""

from __future__ import annotations

from uuid import UUID

from activities.declarations import (
    ActionRequest,
    ParkRequest,
    ProgressRequest,
    SubscriptionReference,
)
from billing.errors import InvariantBroken
from services.invoicing.finalize import DueInvoice
from services.rating.records import BillKey
from services.subscriptions.rolling import DuePeriod

AnyRequest = SubscriptionReference | ActionRequest | ParkRequest | ProgressRequest


def ids_of(request: AnyRequest) -> tuple[UUID, UUID]:
    """Organization and subscription of a request."""
    return UUID(request.organization_id), UUID(request.subscription_id)


def bill_of(request: ActionRequest) -> BillKey:
    """The bill that a request is about."""
    organization_id, subscription_id, period_index = period_of(request)
    return BillKey(
        organization_id=organization_id,
        subscription_id=subscription_id,
        period_index=period_index,
        revision=request.revision,
    )


def due_period_of(request: ActionRequest) -> DuePeriod:
    """The period that a request closes."""
    organization_id, subscription_id, period_index = period_of(request)
    return DuePeriod(
        organization_id=organization_id,
        subscription_id=subscription_id,
        index=period_index,
        due_at=request.due_at,
    )


def period_of(request: ActionRequest) -> tuple[UUID, UUID, int]:
    """The period that a request is about."""
    if request.period_index is None:
        raise InvariantBroken("The action names no period.")
    return (*ids_of(request), request.period_index)


def invoice_of(request: ActionRequest) -> tuple[UUID, UUID]:
    """The invoice that a request is about, with its organization."""
    if request.invoice_id is None:
        raise InvariantBroken("The action names no invoice.")
    return UUID(request.organization_id), UUID(request.invoice_id)


def due_invoice_of(request: ActionRequest) -> DueInvoice:
    """The draft whose grace a request ends."""
    organization_id, invoice_id = invoice_of(request)
    return DueInvoice(organization_id=organization_id, invoice_id=invoice_id, due_at=request.due_at)
