"""What a document was computed from, as the file that goes with it: ``receipt.json``."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from billing.invoicing.receipts import canonical_bytes
from models.invoicing.credit_notes import CreditNote
from models.invoicing.invoices import Invoice, InvoiceLine, InvoiceReceipt
from repositories.invoicing import invoices as stored_invoices


def evidence_of(
    session: Session,
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    *,
    note: CreditNote | None = None,
) -> bytes:
    """The canonical JSON: the receipt if there is one, and every line with its calculation.

    Of a credit note: its own amounts, and the lines that it gives back of.
    """
    receipt = stored_invoices.find_receipt(session, invoice.organization_id, invoice.id)
    return canonical_bytes(
        {
            "invoice_id": invoice.id,
            "invoice_number": invoice.invoice_number,
            "credit_note_number": note.number if note else None,
            "currency": invoice.currency,
            "subtotal": note.subtotal if note else invoice.subtotal,
            "tax": note.tax if note else invoice.tax,
            "total": note.total if note else invoice.total,
            "receipt": _receipt_facts(receipt),
            "lines": [
                {"line_id": row.id, "total": row.line_total} | row.calculation for row in lines
            ],
        }
    )


def _receipt_facts(receipt: InvoiceReceipt | None) -> dict[str, object] | None:
    if receipt is None:
        return None
    return {
        "engine_version": receipt.engine_version,
        "plan_version": receipt.plan_version,
        "revision": receipt.revision,
        "period_start": receipt.period_start,
        "period_end": receipt.period_end,
        "watermark": receipt.watermark,
        "inputs_digest": receipt.inputs_digest,
        "lines_digest": receipt.lines_digest,
        "created_at": receipt.created_at,
    }
