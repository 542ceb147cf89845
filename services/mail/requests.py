"""Mails that people ask for."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict
from billing.invoicing.invoices import InvoiceStatus
from models.invoicing.invoices import Invoice
from models.notifications.emails import Email
from services.audit_log import record
from services.documents.locks import lock_invoice
from services.invoicing import payment_status
from services.notifications import mails
from services.payments import links


def send_invoice(
    session: Session, organization_id: UUID, invoice_id: UUID, *, now: datetime
) -> tuple[Email, Invoice]:
    """The invoice is final and its mail queued, or failed at once where it cannot be sent.

    A mail waits for half a minute at most for the page to pay on that it is to name. The invoice
    stays final either way. Raises NotFound, Conflict ``invoice_void``.
    Source: CONTRACT 4.9, 29.
    """
    invoice, _ = lock_invoice(session, organization_id, invoice_id)
    if invoice.status == InvoiceStatus.VOID:
        raise Conflict("A VOID invoice is not sent.", code="invoice_void")
    was_draft = invoice.status == InvoiceStatus.DRAFT
    if was_draft or invoice.status == InvoiceStatus.OPEN:
        payment_status.finalize(session, organization_id, invoice_id, now=now)
    email = mails.queue_requested(session, invoice, was_draft=was_draft, now=now)
    if links.is_making(session, invoice):
        links.hold_mails(session, invoice, now=now)
    _record(session, email, "invoice.emailed", "invoice", invoice_id, now=now)
    return email, invoice


def send_test(session: Session, organization_id: UUID, recipient: str, *, now: datetime) -> Email:
    """A mail that says nothing but that mails arrive is queued, or failed at once."""
    email = mails.queue_test(session, organization_id, recipient, now=now)
    _record(session, email, "email.tested", "email", email.id, now=now)
    return email


def _record(
    session: Session, email: Email, action: str, noun: str, about: UUID, *, now: datetime
) -> None:
    after = {"email_id": email.id, "status": email.status}
    record(session, email.organization_id, action, noun, about, after=after, now=now)
