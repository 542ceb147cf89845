"""What final invoices' draws were decided from, kept for whoever decides them again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from billing.invoicing.invoices import InvoiceTotals
from billing.invoicing.receipts import digest, to_document
from models.invoicing.draws import InvoiceDrawing
from models.invoicing.invoices import Invoice


def keep_drawings(
    session: Session, finals: Sequence[tuple[Invoice, InvoiceTotals]], *, now: datetime
) -> None:
    """The lots and segments behind the draws of invoices that become final are kept as they are."""
    session.add_all(
        InvoiceDrawing(
            organization_id=invoice.organization_id,
            invoice_id=invoice.id,
            content=to_document(totals.drawing),
            digest=digest(totals.drawing),
            created_at=now,
        )
        for invoice, totals in finals
        if totals.drawing is not None
    )
