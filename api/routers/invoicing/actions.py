"""What can be asked of an invoice: write, edit, finalize, pay, void, explain, verify."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request, Response
from sqlmodel import Session

from api.access.sessions import READS_BILLING, Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.reads.fast_reads import IdText, parse_id, read_one
from api.routers.invoicing.invoices import view_invoices
from api.schemas.invoicing.actions import (
    InvoiceCreate,
    InvoiceEdit,
    ReceiptView,
    StatusChange,
    view_explanation,
    view_receipt,
    view_verification,
)
from api.schemas.invoicing.invoices import InvoiceView
from api.transport.exact_json import respond
from api.transport.route import Router
from billing.invoicing.receipts import instant_text
from models.invoicing.invoices import Invoice
from repositories.usage.digests import EXPLAINED_LINES
from services.invoicing import manual, payment_status, proofs
from services.invoicing.proofs import Explanation
from services.lifecycle import reissue

router = Router(prefix="/invoices", tags=["Invoices"])


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
def edit_invoice(
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
    invoice_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Make a draft final, without waiting for the end of its grace."""
    invoice = payment_status.finalize(
        session, principal.organization_id, invoice_id, now=context.now()
    )
    return _show(session, invoice)


@router.post("/{invoice_id}/pay", response_model=InvoiceView)
def pay_invoice(
    invoice_id: UUID, session: WriteSession, principal: Writer, context: ContextDep
) -> Response:
    """Mark an invoice as paid in full."""
    invoice = payment_status.pay(session, principal.organization_id, invoice_id, now=context.now())
    return _show(session, invoice)


@router.patch("/{invoice_id}/status", response_model=InvoiceView)
def change_status(
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


@router.fast_get("/{invoice_id}/lines/{line_id}/explain", dependencies=[READS_BILLING])
async def explain_line(request: Request, invoice_id: str, line_id: IdText) -> Response:
    """Show the arithmetic of a line, from the aggregate to the rounded amount."""
    contents = await read_one(
        request,
        EXPLAINED_LINES,
        "invoice_id",
        invoice_id,
        is_long=True,
        line_id=parse_id("line_id", line_id),
    )
    explanation = proofs.explain(contents)
    return respond(view_explanation(explanation, url=_events_url(explanation)))


@router.get("/{invoice_id}/receipt", response_model=ReceiptView)
def get_receipt(invoice_id: UUID, session: ReadSession, principal: Reader) -> Response:
    """Show what an invoice was computed from."""
    return respond(view_receipt(proofs.get_receipt(session, principal.organization_id, invoice_id)))


@router.post("/{invoice_id}/verify")
def verify_invoice(
    invoice_id: UUID, session: ReadSession, principal: Reader, context: ContextDep
) -> Response:
    """Compute an invoice again from its events, and compare."""
    verification = proofs.verify(session, principal.organization_id, invoice_id, now=context.now())
    return respond(view_verification(verification))


def _events_url(explanation: Explanation) -> str | None:
    line = explanation.line
    if line.meter_id is None or line.period_start is None or line.period_end is None:
        return None
    query = urlencode(
        {
            "meter_id": line.meter_id,
            "customer_id": explanation.customer_id,
            "start_date": instant_text(line.period_start),
            "end_date": instant_text(line.period_end),
            "counted": "true",
            "through": explanation.watermark or 0,
        }
    )
    return f"/api/v1/usage?{query}"


def _show(session: Session, invoice: Invoice, status_code: int = 200) -> Response:
    [view] = view_invoices(session, invoice.organization_id, [invoice])
    return respond(view, status_code)
