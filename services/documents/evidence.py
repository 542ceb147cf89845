"""What a document was computed from, as the file that goes with it: ``receipt.json``.

With the counted events it is all that a stranger needs to compute the invoice again
(docs/concepts/proof.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlmodel import Session

from billing.invoicing.receipts import (
    canonical_bytes,
    canonical_document,
    from_document,
    instant_text,
)
from billing.money import find_currency, plain_text
from billing.rating.frozen_usage import FrozenUsage
from models.invoicing.credit_notes import CreditNote
from models.invoicing.invoices import Invoice, InvoiceLine, InvoiceReceipt
from models.invoicing.receipts import SignedReceipt
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import receipts as stored_receipts
from repositories.invoicing import steps as stored_steps
from repositories.invoicing.receipts import Basis
from services.catalog.versions import parse_terms
from services.documents.contents import is_computed_bill, priced_line_of, tax_amount_of
from services.documents.deductions import Parts, describe_deductions, signed_names

SIGNED_PARTS: Final = (
    "id",
    "sequence",
    "previous_digest",
    "key_id",
    "terms_digest",
    "hours_digest",
    "hours_watermark",
    *signed_names(),
)


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
            "receipt": receipt_of(session, invoice),
            **_basis_of(session, invoice),
            "lines": [_line(row) for row in lines],
            **({} if note else _deductions(session, invoice)),
            "taxes": [canonical_document(tax_amount_of(row)) for row in taxes],
        }
    )


def _line(row: InvoiceLine) -> dict[str, object]:
    priced = canonical_document(priced_line_of(row))
    assert isinstance(priced, dict)
    return {"line_id": row.id, "total": row.line_total, **priced}


def _deductions(session: Session, invoice: Invoice) -> Parts:
    """What is taken off an invoice; of one that is final, with what its draws were decided from."""
    found = describe_deductions(session, [invoice])
    return found.get((invoice.organization_id, invoice.id), {})


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


def receipt_of(session: Session, invoice: Invoice) -> dict[str, object] | None:
    """The receipt of an invoice, as it is shown everywhere; None if it has none.

    Of a draft, and of what was issued before receipts were signed, what it is computed from, and
    null where something would be signed. Source: CONTRACT section 6.
    """
    signed = stored_receipts.find_of_invoice(session, invoice.organization_id, invoice.id)
    if signed is not None:
        return as_shown(signed)
    computed = stored_invoices.find_receipt(session, invoice.organization_id, invoice.id)
    if computed is None:
        return None
    return {
        **dict.fromkeys((*SIGNED_PARTS, "digest", "signature")),
        **describe_invoice(invoice, computed),
        "created_at": instant_text(computed.created_at),
    }


def as_shown(signed: SignedReceipt) -> dict[str, object]:
    """A signed receipt with its digest and its signature."""
    return {**signed.content, "digest": signed.digest, "signature": signed.signature}


def describe_invoice(
    invoice: Invoice, computed: Basis | InvoiceReceipt | None
) -> dict[str, str | int | None]:
    """What a receipt says of an invoice: integers, and decimals as text (RFC 8785).

    ``computed`` is None where people wrote it.
    """
    issued = invoice.finalized_at
    return {
        "invoice_id": str(invoice.id),
        "invoice_number": invoice.invoice_number,
        "kind": invoice.kind,
        "currency": invoice.currency,
        "currency_places": find_currency(invoice.currency).exponent,
        "subtotal": plain_text(invoice.subtotal),
        "tax": plain_text(invoice.tax),
        "total": plain_text(invoice.total),
        "issued_at": None if issued is None else instant_text(issued),
        "engine_version": computed.engine_version if computed else None,
        "plan_version": computed.plan_version if computed else None,
        "revision": computed.revision if computed else invoice.revision,
        "period_start": instant_text(computed.period_start) if computed else None,
        "period_end": instant_text(computed.period_end) if computed else None,
        "watermark": computed.watermark if computed else None,
        "inputs_digest": computed.inputs_digest if computed else None,
        "lines_digest": computed.lines_digest if computed else None,
    }
