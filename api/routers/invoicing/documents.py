"""Invoices and credit notes as files for people: PDF, archived and accessible."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from fastapi import Request

from api.access.scopes import Principal
from api.access.sessions import Reader, ReadSession
from api.context import state_of
from api.transport.rendered import RenderedPdf
from api.transport.route import Router
from services.documents.assembly import read_credit_note, read_invoice
from services.documents.pdf import render_pdf
from services.documents.view import Document

router = Router(tags=["Documents"])


@router.get("/invoices/{invoice_id}/pdf", response_class=RenderedPdf, status_code=200)
def get_invoice_pdf(
    invoice_id: UUID, session: ReadSession, principal: Reader, request: Request
) -> RenderedPdf:
    """Show an invoice as PDF/A-3b and PDF/UA-1, with `receipt.json` inside."""
    return _rendered(
        read_invoice(session, principal.organization_id, invoice_id), principal, request
    )


@router.get("/credit-notes/{credit_note_id}/pdf", response_class=RenderedPdf, status_code=200)
def get_credit_note_pdf(
    credit_note_id: UUID, session: ReadSession, principal: Reader, request: Request
) -> RenderedPdf:
    """Show a credit note as PDF/A-3b and PDF/UA-1, with `receipt.json` inside."""
    return _rendered(
        read_credit_note(session, principal.organization_id, credit_note_id), principal, request
    )


def _rendered(document: Document, principal: Principal, request: Request) -> RenderedPdf:
    threads = state_of(request.app).document_threads
    render = partial(threads.run, partial(render_pdf, document), party=principal.organization_id)
    return RenderedPdf(render, name=document.number or "draft")
