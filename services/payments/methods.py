"""Methods that customers saved at gateways: found to be charged, forgotten when asked."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from models.payments.links import PaymentMethod
from repositories.payments import links as stored_links
from services.audit_log import record
from services.required import not_found


def find_usable_method(
    session: Session, organization_id: UUID, customer_id: UUID
) -> PaymentMethod | None:
    """What the customer's invoices can be charged to now, None if there is nothing.

    It is of the newest connection that lives, and was not declined for good.
    """
    return stored_links.find_usable(session, organization_id, customer_id)


def delete_method(
    session: Session, organization_id: UUID, customer_id: UUID, method_id: UUID, *, now: datetime
) -> None:
    """Nothing is charged to the method any more. Raises NotFound."""
    method = stored_links.lock_method(session, organization_id, method_id)
    if method is None or method.customer_id != customer_id:
        raise not_found("Payment method")
    session.delete(method)
    session.flush()
    record(
        session,
        organization_id,
        "payment_method.deleted",
        "payment_method",
        method_id,
        after={"customer_id": customer_id, "label": method.label},
        now=now,
    )
