"""What proves an invoice: its arithmetic, its receipt, a recomputation (CONTRACT section 6)."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request, Response

from api.access.sessions import READS_BILLING, Reader, ReadSession
from api.context import ContextDep, state_of
from api.reads.exports import ExportedEvents
from api.reads.fast_reads import IdText, parse_id, show_one
from api.schemas.invoicing.proofs import (
    ExplanationView,
    VerificationView,
    view_explanation,
    view_verification,
)
from api.schemas.invoicing.receipts import InclusionView, ReceiptFileView, ReceiptView
from api.transport.exact_json import respond
from api.transport.route import Router
from billing.invoicing.receipts import instant_text
from repositories.usage.digests import EXPLAINED_LINES, LineContents
from services.documents.assembly import read_invoice
from services.invoicing import proofs
from services.invoicing.proofs import Explanation
from services.receipts import inclusion
from services.receipts.export import find_counted_spans
from services.receipts.reading import read_receipt

router = Router(prefix="/invoices", tags=["Proof"])


@router.fast_get(
    "/{invoice_id}/lines/{line_id}/explain",
    response_model=ExplanationView,
    dependencies=[READS_BILLING],
)
async def explain_invoice_line(request: Request, invoice_id: str, line_id: IdText) -> Response:
    """Show the arithmetic of a line, from the aggregate to the rounded amount."""
    return await show_one(
        request,
        EXPLAINED_LINES,
        _view_explanation,
        "invoice_id",
        invoice_id,
        is_long=True,
        line_id=parse_id("line_id", line_id),
    )


@router.get("/{invoice_id}/receipt", response_model=ReceiptView)
def get_invoice_receipt(invoice_id: UUID, session: ReadSession, principal: Reader) -> Response:
    """Show what an invoice was computed from, and the signature of what was issued."""
    return respond(read_receipt(session, principal.organization_id, invoice_id))


@router.get("/{invoice_id}/receipt.json", response_model=ReceiptFileView)
def get_invoice_receipt_file(invoice_id: UUID, session: ReadSession, principal: Reader) -> Response:
    """Give the file that is inside the PDF: receipt, terms, inputs and every line."""
    document = read_invoice(session, principal.organization_id, invoice_id)
    return Response(document.receipt, media_type="application/json")


@router.get("/{invoice_id}/events.ndjson", response_class=ExportedEvents, status_code=200)
def export_invoice_events(
    invoice_id: UUID, session: ReadSession, principal: Reader, request: Request
) -> ExportedEvents:
    """Export exactly the events that an invoice counted, one a line."""
    organization_id = principal.organization_id
    counted = find_counted_spans(session, organization_id, invoice_id)
    return ExportedEvents(state_of(request.app), organization_id, counted)


@router.get("/{invoice_id}/events/{event_id}/proof", response_model=InclusionView)
def prove_invoice_event(
    invoice_id: UUID, event_id: UUID, session: ReadSession, principal: Reader
) -> Response:
    """Show whether an event is in an invoice, and what proves it against the receipt."""
    found = inclusion.prove_event(session, principal.organization_id, invoice_id, event_id)
    return respond(inclusion.describe_inclusion(found))


@router.post("/{invoice_id}/verify", response_model=VerificationView)
def verify_invoice(
    invoice_id: UUID, session: ReadSession, principal: Reader, context: ContextDep
) -> Response:
    """Compute an invoice again from its events, and compare."""
    verification = proofs.verify(session, principal.organization_id, invoice_id, now=context.now())
    return respond(view_verification(verification))


def _view_explanation(contents: LineContents) -> ExplanationView:
    explanation = proofs.explain(contents)
    return view_explanation(
        explanation, url=_events_url(explanation), changes_url=_changes_url(explanation)
    )


def _changes_url(explanation: Explanation) -> str:
    line, changes = explanation.line, explanation.changes
    if changes is None or line.period_start is None or line.period_end is None:
        return ""
    query: dict[str, object] = {
        "customer_id": explanation.customer_id,
        "start_date": instant_text(line.period_start),
        "end_date": instant_text(line.period_end),
        "changed_after": changes.after,
    }
    if changes.through is not None:
        query["through"] = changes.through
    return f"/api/v1/usage?{urlencode(query)}"


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
