"""What opens pages for customers: tokens for portals, links to invoices (CONTRACT 3.8)."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from fastapi import Response

from api.access.sessions import UsageWriter, UsageWriteSession, Writer, WriteSession
from api.context import ContextDep
from api.schemas.portal import InvoiceLinkView, WidgetTokenCreate, WidgetTokenView
from api.transport.exact_json import respond
from api.transport.route import Router
from services.portal.links import link_invoice, unlink_invoice
from services.portal.tokens import issue_token

router = Router(tags=["Portal"])


@router.post("/widget/token", response_model=WidgetTokenView)
def create_widget_token(
    body: WidgetTokenCreate,
    session: UsageWriteSession,
    principal: UsageWriter,
    context: ContextDep,
) -> Response:
    """Open a customer's portal for an hour: a token, and the address for an `iframe`."""
    issued = issue_token(
        session,
        principal.organization_id,
        body.customer_external_id,
        security=context.security,
        now=context.now(),
    )
    return respond(
        WidgetTokenView(
            token=issued.token,
            expires_at=issued.expires_at,
            url=f"{context.public_url.rstrip('/')}/embed?{urlencode({'token': issued.token})}",
        )
    )


@router.post("/invoices/{invoice_id}/generate-token", response_model=InvoiceLinkView)
def create_invoice_link(
    invoice_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Give an invoice its public page: whoever has the address reads it, without logging in.

    The same invoice keeps its token until it is taken away.
    """
    link = link_invoice(
        session,
        principal.organization_id,
        invoice_id,
        new_token=context.security.new_secret,
        now=context.now(),
    )
    return respond(
        InvoiceLinkView(
            public_token=link.token, url=f"{context.public_url.rstrip('/')}/p/{link.token}"
        )
    )


@router.delete("/invoices/{invoice_id}/public-token", status_code=204)
def delete_invoice_link(
    invoice_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Take an invoice's public page away: its address shows nothing any more.

    The next token of the invoice is another one.
    """
    unlink_invoice(session, principal.organization_id, invoice_id, now=context.now())
    return Response(status_code=204)
