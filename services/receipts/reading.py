"""The receipt of an invoice as it is shown: the document that was signed, digest and signature."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from billing.errors import NotFound
from billing.invoicing.receipts import instant_text
from billing.money import find_currency, plain_text
from models.invoicing.invoices import Invoice
from models.invoicing.receipts import SignedReceipt
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import receipts as stored_receipts
from services.required import require_invoice

SIGNED_PARTS = (
    "id",
    "sequence",
    "previous_digest",
    "key_id",
    "terms_digest",
    "hours_digest",
    "hours_watermark",
)


def read_receipt(session: Session, organization_id: UUID, invoice_id: UUID) -> dict[str, object]:
    """The receipt of an invoice. Raises NotFound for one that has none.

    Of a draft, and of what was issued before receipts were signed, what it is computed from, and
    null where something would be signed. Source: CONTRACT section 6.
    """
    invoice = require_invoice(stored_invoices.find_invoice(session, organization_id, invoice_id))
    signed = stored_receipts.find_of_invoice(session, organization_id, invoice_id)
    if signed is not None:
        return as_shown(signed)
    return _unsigned(session, invoice)


def as_shown(signed: SignedReceipt) -> dict[str, object]:
    """A signed receipt with its digest and its signature."""
    return {**signed.content, "digest": signed.digest, "signature": signed.signature}


def _unsigned(session: Session, invoice: Invoice) -> dict[str, object]:
    receipt = stored_invoices.find_receipt(session, invoice.organization_id, invoice.id)
    if receipt is None:
        raise NotFound(
            "The invoice was not computed from usage, and was not issued with a receipt.",
            code="receipt_not_found",
        )
    issued = invoice.finalized_at
    return {
        **dict.fromkeys((*SIGNED_PARTS, "digest", "signature")),
        "invoice_id": str(invoice.id),
        "invoice_number": invoice.invoice_number,
        "kind": invoice.kind,
        "currency": invoice.currency,
        "currency_places": find_currency(invoice.currency).exponent,
        "subtotal": plain_text(invoice.subtotal),
        "tax": plain_text(invoice.tax),
        "total": plain_text(invoice.total),
        "issued_at": None if issued is None else instant_text(issued),
        "engine_version": receipt.engine_version,
        "plan_version": receipt.plan_version,
        "revision": receipt.revision,
        "period_start": instant_text(receipt.period_start),
        "period_end": instant_text(receipt.period_end),
        "watermark": receipt.watermark,
        "inputs_digest": receipt.inputs_digest,
        "lines_digest": receipt.lines_digest,
        "created_at": instant_text(receipt.created_at),
    }
