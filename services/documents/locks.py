"""An invoice and its subscription, locked in the order that everybody keeps."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription
from repositories.invoicing import invoices as stored_invoices
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.required import not_found


def lock_invoice(
    session: Session, organization_id: UUID, invoice_id: UUID
) -> tuple[Invoice, Subscription | None]:
    """The invoice and its subscription, if it has one, with their rows locked. Raises NotFound."""
    locked = lock_invoice_if_any(session, organization_id, invoice_id)
    if locked is None:
        raise not_found("Invoice")
    return locked


def lock_invoice_if_any(
    session: Session, organization_id: UUID, invoice_id: UUID
) -> tuple[Invoice, Subscription | None] | None:
    """As :func:`lock_invoice`, and None where there is no such invoice.

    Everybody locks the subscription before its invoice, so that nobody waits in a ring.
    """
    found = stored_invoices.find_subscription_id(session, organization_id, invoice_id)
    if found is None:
        return None
    [subscription_id] = found
    subscription = (
        stored_subscriptions.lock_subscription(session, organization_id, subscription_id)
        if subscription_id
        else None
    )
    invoice = stored_invoices.lock_invoice(session, organization_id, invoice_id)
    return None if invoice is None else (invoice, subscription)
