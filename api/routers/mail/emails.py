"""Mails: ask for one, and see what became of each (CONTRACT 4.9, section 6)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from api.access.sessions import (
    Manager,
    ManageSession,
    Reader,
    ReadSession,
    Writer,
    WriteSession,
)
from api.context import ContextDep
from api.routers.gateways.linked import LinkedRoute, await_link
from api.schemas.emails import (
    EmailTest,
    EmailView,
    RetriedView,
    SentView,
    view_email,
    view_retried,
    view_sent,
)
from api.schemas.pages import ListOf, PageOf
from api.transport.exact_json import respond
from api.transport.pagination import PageDep, envelope
from api.transport.route import Router
from billing.notifications.mails import MailStatus
from repositories.invoicing import invoices as stored_invoices
from repositories.notifications import emails as stored_emails
from services.mail import requests
from services.required import not_found, require_invoice

router = Router(tags=["Mail"], route_class=LinkedRoute)


@router.post("/invoices/{invoice_id}/send-email", response_model=SentView)
def send_invoice_email(
    invoice_id: UUID,
    request: Request,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Mail an invoice to its customer, with its PDF; a draft becomes final first.

    Asked for again while the mail waits, or within a minute, it is the same mail.
    """
    email, invoice = requests.send_invoice(
        session, principal.organization_id, invoice_id, now=context.now()
    )
    await_link(request, session, invoice)
    return respond(view_sent(email, invoice.payment_link))


@router.get("/invoices/{invoice_id}/emails", response_model=ListOf[EmailView])
def list_invoice_emails(invoice_id: UUID, session: ReadSession, principal: Reader) -> Response:
    """List the mails about an invoice and its credit notes, oldest first."""
    require_invoice(stored_invoices.find_invoice(session, principal.organization_id, invoice_id))
    found = stored_emails.list_of_invoice(session, principal.organization_id, invoice_id)
    return respond({"data": [view_email(one) for one in found]})


@router.get("/emails", response_model=PageOf[EmailView])
def list_emails(
    session: ReadSession,
    principal: Reader,
    page: PageDep,
    status: Annotated[MailStatus | None, Query()] = None,
) -> Response:
    """List mails of every kind, oldest first."""
    found, total = stored_emails.list_emails(
        session, principal.organization_id, status=status, offset=page.offset, limit=page.size
    )
    return respond(envelope([view_email(one) for one in found], page, total))


@router.post("/emails/retry-failed", status_code=202, response_model=RetriedView)
def retry_failed_emails(
    session: WriteSession, principal: Writer, context: ContextDep, after: UUID | None = None
) -> Response:
    """Queue failed mails again, the oldest 500 behind `after`.

    Each goes to its customer's address of now, of several about one invoice only the last. A repeat
    finds none that failed.
    """
    retried = requests.retry_failed(
        session, principal.organization_id, after=after, now=context.now()
    )
    return respond(view_retried(retried), 202)


@router.post("/organization/test-email", status_code=202, response_model=EmailView)
def send_test_email(
    body: EmailTest, session: ManageSession, principal: Manager, context: ContextDep
) -> Response:
    """Send a mail that says nothing but that mails arrive."""
    email = requests.send_test(session, principal.organization_id, body.to, now=context.now())
    return respond(view_email(email), 202)


@router.get("/emails/{email_id}", response_model=EmailView)
def get_email(email_id: UUID, session: ReadSession, principal: Reader) -> Response:
    """Show a mail."""
    found = stored_emails.find_email(session, principal.organization_id, email_id)
    if found is None:
        raise not_found("Email")
    return respond(view_email(found))
