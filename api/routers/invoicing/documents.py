"""Invoices and credit notes as files: PDF for people and archives, UBL for software."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final
from uuid import UUID

from fastapi import Request

from api.access.principal import Principal
from api.access.sessions import Reader, ReadSession
from api.context import state_of
from api.transport.rendered import RenderedPdf, RenderedXml
from api.transport.route import Router
from services.documents.assembly import read_credit_note, read_invoice
from services.documents.einvoice.formats import ubl_of, xrechnung_of
from services.documents.view import Document

BYTES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}}}
}
"""That a file is no text, which generated clients would take it for."""

router = Router(tags=["Documents"])


@router.get(
    "/invoices/{invoice_id}/pdf", response_class=RenderedPdf, status_code=200, responses=BYTES
)
def get_invoice_pdf(
    invoice_id: UUID, session: ReadSession, principal: Reader, request: Request
) -> RenderedPdf:
    """Show an invoice as PDF/A-3b and PDF/UA-1, with `receipt.json` and `factur-x.xml` inside."""
    document = read_invoice(
        session,
        principal.organization_id,
        invoice_id,
        public_url=state_of(request.app).context.public_url,
    )
    render = state_of(request.app).typeset_files.render
    return RenderedPdf(_later(render, document, principal, request), name=_name_of(document))


@router.get("/invoices/{invoice_id}/ubl", response_class=RenderedXml, status_code=200)
def get_invoice_ubl(
    invoice_id: UUID, session: ReadSession, principal: Reader, request: Request
) -> RenderedXml:
    """Show an issued invoice as an e-invoice: UBL 2.1 by Peppol BIS Billing 3."""
    document = read_invoice(session, principal.organization_id, invoice_id)
    return RenderedXml(_later(ubl_of, document, principal, request), name=_name_of(document))


@router.get("/invoices/{invoice_id}/xrechnung", response_class=RenderedXml, status_code=200)
def get_invoice_xrechnung(
    invoice_id: UUID, session: ReadSession, principal: Reader, request: Request
) -> RenderedXml:
    """Show an issued invoice as XRechnung, in UBL 2.1, for German public bodies."""
    document = read_invoice(session, principal.organization_id, invoice_id)
    return RenderedXml(_later(xrechnung_of, document, principal, request), name=_name_of(document))


@router.get(
    "/credit-notes/{credit_note_id}/pdf",
    response_class=RenderedPdf,
    status_code=200,
    responses=BYTES,
)
def get_credit_note_pdf(
    credit_note_id: UUID, session: ReadSession, principal: Reader, request: Request
) -> RenderedPdf:
    """Show a credit note as PDF/A-3b and PDF/UA-1, with its `receipt.json` and `factur-x.xml`."""
    document = read_credit_note(session, principal.organization_id, credit_note_id)
    render = state_of(request.app).typeset_files.render
    return RenderedPdf(_later(render, document, principal, request), name=_name_of(document))


@router.get("/credit-notes/{credit_note_id}/ubl", response_class=RenderedXml, status_code=200)
def get_credit_note_ubl(
    credit_note_id: UUID, session: ReadSession, principal: Reader, request: Request
) -> RenderedXml:
    """Show a credit note as an e-invoice: UBL 2.1 by Peppol BIS Billing 3."""
    document = read_credit_note(session, principal.organization_id, credit_note_id)
    return RenderedXml(_later(ubl_of, document, principal, request), name=_name_of(document))


@router.get("/credit-notes/{credit_note_id}/xrechnung", response_class=RenderedXml, status_code=200)
def get_credit_note_xrechnung(
    credit_note_id: UUID, session: ReadSession, principal: Reader, request: Request
) -> RenderedXml:
    """Show a credit note as XRechnung, in UBL 2.1, for German public bodies."""
    document = read_credit_note(session, principal.organization_id, credit_note_id)
    return RenderedXml(_later(xrechnung_of, document, principal, request), name=_name_of(document))


def _later(
    write: Callable[[Document], bytes], document: Document, principal: Principal, request: Request
) -> Callable[[], Awaitable[bytes]]:
    """What writes the file in a thread, when the route holds nothing any more."""
    threads = state_of(request.app).document_threads
    return partial(threads.run, partial(write, document), party=principal.organization_id)


def _name_of(document: Document) -> str:
    return document.number or "draft"
