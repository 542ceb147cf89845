"""Credit notes: give part of an issued invoice back."""

from __future__ import annotations

from uuid import UUID

from fastapi import Request, Response

from api.access.sessions import READS_BILLING, Reader, ReadSession, Writer, WriteSession
from api.context import ContextDep
from api.reads.fast_reads import IdText, show_one
from api.schemas.invoicing.credit_notes import CreditNoteCreate, CreditNoteView, view_credit_note
from api.schemas.pages import ListOf
from api.transport.exact_json import respond
from api.transport.route import Router
from repositories.invoicing import credit_notes
from repositories.invoicing.shown import NOTES_OF_INVOICES, InvoiceNotes
from services.invoicing import payment_status
from services.required import not_found

router = Router(tags=["Credit notes"])


@router.post("/invoices/{invoice_id}/credit-notes", status_code=201, response_model=CreditNoteView)
def create_credit_note(
    invoice_id: UUID,
    body: CreditNoteCreate,
    session: WriteSession,
    principal: Writer,
    context: ContextDep,
) -> Response:
    """Give part of an invoice back, never more than was billed."""
    note = payment_status.credit(
        session,
        principal.organization_id,
        invoice_id,
        body.credited(),
        reason=body.reason,
        now=context.now(),
    )
    lines = credit_notes.list_credit_lines(session, principal.organization_id, [note.id])
    return respond(view_credit_note(note, lines), 201)


@router.fast_get(
    "/invoices/{invoice_id}/credit-notes",
    response_model=ListOf[CreditNoteView],
    dependencies=[READS_BILLING],
)
async def list_invoice_credit_notes(request: Request, invoice_id: IdText) -> Response:
    """List the credit notes of an invoice, oldest first."""
    return await show_one(request, NOTES_OF_INVOICES, _view_all, "invoice_id", invoice_id)


@router.get("/credit-notes/{credit_note_id}", response_model=CreditNoteView)
def get_credit_note(credit_note_id: UUID, session: ReadSession, principal: Reader) -> Response:
    """Show a credit note."""
    note = credit_notes.find_credit_note(session, principal.organization_id, credit_note_id)
    if note is None:
        raise not_found("Credit note")
    lines = credit_notes.list_credit_lines(session, principal.organization_id, [note.id])
    return respond(view_credit_note(note, lines))


def _view_all(found: InvoiceNotes) -> dict[str, list[CreditNoteView]]:
    return {"data": [view_credit_note(one, found.lines) for one in found.notes]}
