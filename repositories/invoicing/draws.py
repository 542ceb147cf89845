"""What prepaid credit pays of invoices, by line."""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import Session, col, select

from models.invoicing.draws import InvoiceDraw, InvoiceDrawing
from repositories.invoicing.invoices import InvoiceKey
from repositories.row_keys import among


def list_draws(
    session: Session, keys: Collection[InvoiceKey]
) -> dict[InvoiceKey, list[InvoiceDraw]]:
    """The draws of each of some invoices, by lines and as they pay these; none asks nothing."""
    found: dict[InvoiceKey, list[InvoiceDraw]] = {key: [] for key in keys}
    if not found:
        return found
    columns = (col(InvoiceDraw.organization_id), col(InvoiceDraw.invoice_id))
    for row in session.exec(
        select(InvoiceDraw)
        .where(among(keys, *columns))
        .order_by(
            col(InvoiceDraw.line_position), col(InvoiceDraw.sequence), col(InvoiceDraw.grant_id)
        )
    ):
        found[row.organization_id, row.invoice_id].append(row)
    return found


def list_drawings_of(
    session: Session, keys: Collection[InvoiceKey]
) -> dict[InvoiceKey, InvoiceDrawing]:
    """What the draws of each of some final invoices were decided from; none asks nothing."""
    if not keys:
        return {}
    columns = (col(InvoiceDrawing.organization_id), col(InvoiceDrawing.invoice_id))
    rows = session.exec(select(InvoiceDrawing).where(among(keys, *columns)))
    return {(row.organization_id, row.invoice_id): row for row in rows}
