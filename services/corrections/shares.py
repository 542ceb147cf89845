"""Which lines give back what a charge comes to less, and how much of it each."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.money import ZERO, exactly
from billing.rating.lines import CorrectedCharge
from models.invoicing.invoices import InvoiceLine
from models.subscriptions.subscriptions import Subscription
from repositories.invoicing import corrections as stored_corrections
from repositories.invoicing import invoices as stored_invoices
from services.corrections.credit_notes import CreditedLine


@exactly
def share_out(
    session: Session,
    subscription: Subscription,
    change: CorrectedCharge,
    credited: dict[UUID, dict[UUID, CreditedLine]],
    *,
    of_grants: bool,
) -> list[tuple[InvoiceLine, Decimal]]:
    """Lines that billed a charge, the first ones first, each with what it gives back of it.

    A late line bills several charges; what is ``credited`` of it for others is left no more.
    """
    missing = -change.amount
    shares: list[tuple[InvoiceLine, Decimal]] = []
    for row, left in stored_corrections.list_billing_lines(session, subscription, change):
        if of_grants and not _is_drawn(session, row):
            continue
        taken = credited.get(row.invoice_id, {}).get(row.id)
        part = min(missing, left - taken.amount if taken else left)
        if part > ZERO:
            shares.append((row, part))
            missing -= part
    return shares


def _is_drawn(session: Session, row: InvoiceLine) -> bool:
    """Whether credit paid anything of the invoice that the line is of."""
    invoice = stored_invoices.find_invoice(session, row.organization_id, row.invoice_id)
    return invoice is not None and invoice.is_drawn
