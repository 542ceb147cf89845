"""What an invoice shows of its lines and does not bill: coupons took it off, or it was billed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from sqlmodel import Session

from billing.money import ZERO, exactly
from models.invoicing.invoices import Invoice, InvoiceLine
from repositories.discounts import uses as stored_uses
from repositories.invoicing.invoiced_before import list_invoiced_before


@exactly
def sum_not_billed(
    session: Session, invoice: Invoice, rows: Sequence[InvoiceLine]
) -> Mapping[int, Decimal]:
    """What is not billed of each of the lines, by its position, before tax.

    What earlier invoices of the period billed stands on the lines again, with their tiers, and a
    line of its own takes it off. Units: major units of the currency.
    """
    off = dict(stored_uses.sum_by_line(session, invoice.organization_id, invoice.id))
    before = list_invoiced_before(session, invoice.organization_id, [invoice.id])
    for row in rows:
        if row.id in before:
            off[row.position] = off.get(row.position, ZERO) + before[row.id]
    return off
