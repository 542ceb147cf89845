"""An invoice and its subscription, locked in the order that everybody keeps."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session

from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing.invoices import InvoiceKey
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
    """As :func:`lock_invoice`, and None where there is no such invoice."""
    key = (organization_id, invoice_id)
    return lock_invoices(session, [key]).get(key)


def lock_invoices(
    session: Session, keys: Sequence[InvoiceKey]
) -> dict[InvoiceKey, tuple[Invoice, Subscription | None]]:
    """Those of the invoices that there are, each with its subscription, if it has one, locked.

    Everybody locks subscriptions before their invoices, both in the order of their keys, so that
    nobody waits in a ring.
    """
    subscription_ids = stored_invoices.find_subscription_ids(session, keys)
    wanted = {(key[0], found) for key, found in subscription_ids.items() if found is not None}
    subscriptions = stored_subscriptions.lock_subscriptions(session, wanted) if wanted else {}
    locked = {}
    for key, invoice in stored_invoices.lock_invoices(session, keys).items():
        of = invoice.subscription_id
        locked[key] = (invoice, None if of is None else subscriptions.get((key[0], of)))
    return locked
