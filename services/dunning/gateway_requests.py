"""What a gateway is asked about a try, and about the pages of its invoice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.payments.gateways import PaymentRequest
from billing.payments.kinds import PaymentStatus
from models.invoicing.invoices import Invoice
from models.payments.payments import Payment
from repositories import customers as stored_customers
from repositories.invoicing import invoices as stored_invoices
from repositories.payments import links as stored_links
from repositories.payments import payments as stored_payments
from services.required import require_customer

FORGOTTEN_AFTER: Final = timedelta(hours=1)
"""After that a charge that was asked for and that no gateway knows is on its way no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page on which the invoice may be paid still; it ends before anything is charged."""

    link_id: UUID
    connection_id: UUID
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A try whose end is unknown, with what the gateway is asked."""

    payment_id: UUID
    connection_id: UUID
    request: PaymentRequest
    pages: tuple[Page, ...]
    begun_at: datetime
    asked_at: datetime | None
    """When the gateway was last about to be asked; None if it surely knows nothing of it."""
    is_old: bool
    """Whether what was asked first is on its way no more."""


def read_attempt(
    session: Session,
    organization_id: UUID,
    payment_id: UUID,
    *,
    now: datetime,
) -> Attempt | None:
    """What the gateway is to be asked about a try; None if it is settled."""
    payment = stored_payments.find_payment(session, organization_id, payment_id)
    if payment is None or payment.status != PaymentStatus.PENDING:
        return None
    assert payment.connection_id is not None
    invoice = stored_invoices.find_invoice(session, organization_id, payment.invoice_id)
    assert invoice is not None
    return Attempt(
        payment_id=payment.id,
        connection_id=payment.connection_id,
        request=_request_of(session, invoice, payment),
        pages=_pages_of(session, invoice),
        begun_at=payment.created_at,
        asked_at=payment.asked_at,
        is_old=now - payment.created_at >= FORGOTTEN_AFTER,
    )


def _pages_of(session: Session, invoice: Invoice) -> tuple[Page, ...]:
    closing = stored_links.list_closing(session, invoice.organization_id, invoice.id)
    return tuple(
        Page(link_id=one.id, connection_id=one.connection_id, reference=one.reference)
        for one in closing
        if one.reference is not None
    )


def _request_of(session: Session, invoice: Invoice, payment: Payment) -> PaymentRequest:
    customer = require_customer(
        stored_customers.find_customer(session, invoice.organization_id, invoice.customer_id),
        may_be_deleted=True,
    )
    assert invoice.invoice_number is not None
    return PaymentRequest(
        organization_id=invoice.organization_id,
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        invoice_number=invoice.invoice_number,
        amount=payment.amount,
        currency=payment.currency,
        idempotency_key=payment.idempotency_key,
        customer_name=customer.name,
        customer_email=customer.email,
    )
