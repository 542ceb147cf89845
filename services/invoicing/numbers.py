"""Numbers of invoices: one after the other in an organization and year, none left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from models.accounts.organizations import Organization
from models.invoicing.invoices import Invoice
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import receipts as stored_receipts

INVOICE_SERIES = "INV"


def assign_numbers(
    session: Session, due: Sequence[tuple[Organization, Invoice]], *, now: datetime
) -> None:
    """Give the invoices the next numbers of their organization and the year of their issue date.

    The year is read in the organization's zone, and is the same for a draft that gets its number
    late. Those of one organization and year are drawn in one go. The chains of receipts are taken
    first: an invoice that becomes final takes both. Source: CONTRACT 25, 72.
    """
    series: dict[tuple[UUID, int], list[Invoice]] = defaultdict(list)
    for organization, invoice in due:
        year = invoice.issue_date.astimezone(ZoneInfo(organization.timezone)).year
        series[organization.id, year].append(invoice)
    if series:
        stored_receipts.lock_chains(session, {whose for whose, _ in series}, now=now)
    for (organization_id, year), invoices in sorted(series.items(), key=itemgetter(0)):
        numbers = stored_invoices.draw_numbers(
            session, organization_id, INVOICE_SERIES, year, count=len(invoices)
        )
        for invoice, number in zip(invoices, numbers, strict=True):
            invoice.invoice_number = f"{INVOICE_SERIES}-{year}-{number:04d}"
