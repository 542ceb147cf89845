"""What a document was computed from, as the file that goes with it: ``receipt.json``.

With the counted events it is all that a stranger needs to compute the invoice again
(docs/concepts/proof.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlmodel import Session

from billing.invoicing.receipts import canonical_bytes, canonical_document, from_document
from billing.money import find_currency
from billing.rating.frozen import FrozenUsage
from models.invoicing.credit_notes import CreditNote
from models.invoicing.invoices import Invoice, InvoiceLine, InvoiceReceipt
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import receipts as stored_receipts
from repositories.invoicing import steps as stored_steps
from services.catalog.versions import parse_terms
from services.documents.contents import is_computed_bill, priced_line_of, tax_amount_of


def evidence_of(
    session: Session,
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    *,
    note: CreditNote | None = None,
) -> bytes:
    """The canonical JSON: receipt, terms and inputs, and every line with its calculation.

    Of a credit note: its own amounts, and the lines that it gives back of.
    """
    taxes = stored_invoices.list_taxes(session, invoice.organization_id, [invoice.id])
    return canonical_bytes(
        {
            "invoice_id": invoice.id,
            "invoice_number": invoice.invoice_number,
            "credit_note_number": note.number if note else None,
            "currency": invoice.currency,
            "currency_places": find_currency(invoice.currency).exponent,
            "subtotal": note.subtotal if note else invoice.subtotal,
            "tax": note.tax if note else invoice.tax,
            "total": note.total if note else invoice.total,
            "receipt": _receipt_of(session, invoice),
            **_basis_of(session, invoice),
            "lines": [_line(row) for row in lines],
            "taxes": [canonical_document(tax_amount_of(row)) for row in taxes],
        }
    )


def _line(row: InvoiceLine) -> dict[str, object]:
    priced = canonical_document(priced_line_of(row))
    assert isinstance(priced, dict)
    return {"line_id": row.id, "total": row.line_total, **priced}


def _basis_of(session: Session, invoice: Invoice) -> dict[str, object]:
    """What the period's lines follow from, in the form that its digest is of."""
    if not is_computed_bill(invoice):
        return {"inputs": None, "terms": None}
    assert invoice.subscription_id is not None
    assert invoice.period_index is not None
    key = (
        invoice.organization_id,
        invoice.subscription_id,
        invoice.period_index,
        invoice.revision,
    )
    [runs] = stored_steps.list_runs(session, [key])
    usage = runs.get("usage")
    if usage is None or usage.terms is None:
        return {"inputs": None, "terms": None}
    return {
        "inputs": canonical_document(from_document(FrozenUsage, usage.content)),
        "terms": canonical_document(parse_terms(usage.terms)),
    }


def _receipt_of(session: Session, invoice: Invoice) -> Mapping[str, object] | None:
    signed = stored_receipts.find_of_invoice(session, invoice.organization_id, invoice.id)
    if signed is not None:
        return {**signed.content, "digest": signed.digest, "signature": signed.signature}
    receipt = stored_invoices.find_receipt(session, invoice.organization_id, invoice.id)
    return None if receipt is None else _unsigned(receipt)


def _unsigned(receipt: InvoiceReceipt) -> dict[str, object]:
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
