"""What can be done with an invoice: write, edit, finalize, pay, void."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response
from sqlmodel import Session

from api.access.sessions import Writer, WriteSession
from api.context import ContextDep
from api.routers.gateways.linked import LinkedRoute, await_link
from api.routers.invoicing.invoices import view_invoices
from api.schemas.invoicing.actions import (
    InvoiceCreate,
    InvoiceEdit,
    StatusChange,
)
from api.schemas.invoicing.invoices import InvoiceView
from api.transport.exact_json import respond
from api.transport.route import Router
from models.invoicing.invoices import Invoice
from services.invoicing import manual, payment_status
from services.lifecycle import reissue

router = Router(prefix="/invoices", tags=["Invoices"], route_class=LinkedRoute)


@router.post("", status_code=201, response_model=InvoiceView)
def create_invoice(
    body: InvoiceCreate, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Write an invoice by hand."""
    invoice = manual.create_invoice(
        session, principal.organization_id, body.command(), now=context.now()
    )
    return _show(session, invoice, 201)


@router.put("/{invoice_id}", response_model=InvoiceView)
def update_invoice(
    invoice_id: UUID,
    body: InvoiceEdit,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Change a draft."""
    invoice = manual.edit_draft(
        session, principal.organization_id, invoice_id, body.command(), now=context.now()
    )
    return _show(session, invoice)


@router.delete("/{invoice_id}", status_code=204)
def delete_invoice(
    invoice_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Delete a draft for good."""
    manual.delete_draft(session, principal.organization_id, invoice_id, now=context.now())
    return Response(status_code=204)


@router.post("/{invoice_id}/finalize", response_model=InvoiceView)
def finalize_invoice(
    invoice_id: UUID,
    request: Request,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Make a draft final, without waiting for the end of its grace, with a link to pay it.

    An open invoice that has no link gets one. The gateway has a few seconds; a link that takes
    longer is made later.
    """
    invoice = payment_status.finalize(
        session, principal.organization_id, invoice_id, now=context.now()
    )
    await_link(request, session, invoice)
    return _show(session, invoice)


@router.post("/{invoice_id}/pay", response_model=InvoiceView)
def pay_invoice(
    invoice_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Mark an invoice as paid in full."""
    invoice = payment_status.pay(session, principal.organization_id, invoice_id, now=context.now())
    return _show(session, invoice)


@router.patch("/{invoice_id}/status", response_model=InvoiceView)
def change_invoice_status(
    invoice_id: UUID,
    body: StatusChange,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Finalize, pay, void or write off an invoice, with a note."""
    invoice = payment_status.change_status(
        session,
        principal.organization_id,
        invoice_id,
        body.status,
        note=body.note,
        settles_again=body.settle,
        extend_days=body.extend_days,
        now=context.now(),
    )
    return _show(session, invoice)


@router.post("/{invoice_id}/reissue", response_model=InvoiceView, status_code=201)
def reissue_invoice(
    invoice_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Make a new draft in the place of a void invoice."""
    invoice = reissue.reissue_invoice(
        session, principal.organization_id, invoice_id, now=context.now()
    )
    return _show(session, invoice, 201)


def _show(session: Session, invoice: Invoice, status_code: int = 200) -> Response:
    [view] = view_invoices(session, invoice.organization_id, [invoice])
    return respond(view, status_code)
