"""Mails that people ask for, once or once more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict
from billing.invoicing.invoices import InvoiceStatus
from billing.notifications.mails import MailStatus
from models.invoicing.invoices import Invoice
from models.notifications.emails import Email
from repositories.accounts import organizations as stored_organizations
from repositories.notifications import emails as stored_emails
from services.audit_log import record
from services.documents.locks import lock_invoice
from services.invoicing import payment_status
from services.notifications import mails
from services.payments import links

MOST_RETRIED: Final = 500
"""How many failed mails one request queues again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """How many failed mails wait again, and how many still cannot be sent.

    ``following`` is behind which mail the rest is, None where there is none.
    """

    queued: int
    unsendable: int
    following: UUID | None


def send_invoice(
    session: Session, organization_id: UUID, invoice_id: UUID, *, now: datetime
) -> tuple[Email, Invoice]:
    """The invoice is final and its mail queued, or failed at once where it cannot be sent.

    A mail waits for half a minute at most for the page to pay on that it is to name. The invoice
    stays final either way. Idempotent while the mail waits, and a minute after it was sent.
    Raises NotFound, Conflict ``invoice_void``.
    Source: CONTRACT 4.9, 29.
    """
    invoice, _ = lock_invoice(session, organization_id, invoice_id)
    if invoice.status == InvoiceStatus.VOID:
        raise Conflict("A VOID invoice is not sent.", code="invoice_void")
    was_draft = invoice.status == InvoiceStatus.DRAFT
    repeated = mails.find_repeated(session, invoice, now=now)
    if repeated is not None:
        return repeated, invoice
    if was_draft or invoice.status == InvoiceStatus.OPEN:
        payment_status.finalize(session, organization_id, invoice_id, now=now)
    email = mails.queue_requested(session, invoice, was_draft=was_draft, now=now)
    if links.is_making(session, invoice):
        links.hold_mails(session, [(organization_id, invoice_id)], now=now)
    _record(session, email, "invoice.emailed", "invoice", invoice_id, now=now)
    return email, invoice


def send_test(session: Session, organization_id: UUID, recipient: str, *, now: datetime) -> Email:
    """A mail that says nothing but that mails arrive is queued, or failed at once."""
    email = mails.queue_test(session, organization_id, recipient, now=now)
    _record(session, email, "email.tested", "email", email.id, now=now)
    return email


def retry_failed(
    session: Session, organization_id: UUID, *, after: UUID | None, now: datetime
) -> Retried:
    """Failed mails behind ``after`` wait again, to their customers' addresses of now.

    Each has all its tries and the Message-ID that it had. Idempotent: what waits has not failed. Of
    several about one invoice only the last is sent; one that cannot be says why.
    """
    organization = stored_organizations.get_organization(session, organization_id)
    page = stored_emails.lock_failed(session, organization_id, after=after, limit=MOST_RETRIED)
    queued = 0
    for email, address in page:
        if email.invoice_id is not None:
            email.recipient = address
        email.error = mails.why_unsendable(organization, email.recipient)
        if email.error is None:
            email.status, email.next_attempt_at = MailStatus.QUEUED, now
            email.attempts, email.response_code = 0, None
            queued += 1
    session.flush()
    if queued:
        stored_emails.tell_of_queued(session)
    counted = {"queued": queued, "unsendable": len(page) - queued}
    record(session, organization_id, "email.retried", "email", None, after=counted, now=now)
    return Retried(**counted, following=page[-1][0].id if len(page) == MOST_RETRIED else None)


def _record(
    session: Session, email: Email, action: str, noun: str, about: UUID, *, now: datetime
) -> None:
    after = {"email_id": email.id, "status": email.status}
    record(session, email.organization_id, action, noun, about, after=after, now=now)
