"""The receipt of an invoice for whoever may read the invoice."""

from __future__ import annotations

from uuid import UUID

from sqlmodel import Session

from billing.errors import NotFound
from repositories.invoicing import invoices as stored_invoices
from services.documents.evidence import receipt_of
from services.required import require_invoice


def read_receipt(session: Session, organization_id: UUID, invoice_id: UUID) -> dict[str, object]:
    """The receipt of an invoice. Raises NotFound for one that has none."""
    invoice = require_invoice(stored_invoices.find_invoice(session, organization_id, invoice_id))
    receipt = receipt_of(session, invoice)
    if receipt is None:
        raise NotFound(
            "The invoice was not computed from usage, and was not issued with a receipt.",
            code="receipt_not_found",
        )
    return receipt
