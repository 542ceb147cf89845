"""Credit notes: part of an issued invoice given back, never more than was billed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from billing.adjustments import credit_note, require_creditable
from billing.errors import Conflict, InvalidInput, NotFound
from billing.invoicing import InvoiceStatus, status_after_payment
from billing.money import ZERO, find_currency
from models.base import new_id
from models.credit_notes import CreditNote, CreditNoteLine
from models.invoices import Invoice, InvoiceLine
from repositories import credit_notes, invoices, organizations
from services.auditing import record
from services.invoice_contents import priced_line_of
from services.invoice_locks import lock_invoice

SERIES = "CN"
CREDITABLE = frozenset({InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditedLine:
    """How much of one invoice line is given back, in major units, before tax."""

    line_id: UUID
    amount: Decimal


def credit_invoice(
    session: Session,
    organization_id: UUID,
    invoice_id: UUID,
    lines: Sequence[CreditedLine],
    *,
    reason: str,
    at: datetime,
    now: datetime,
    kind: str = "manual",
) -> CreditNote:
    """A numbered credit note with its share of the tax; it lowers what is due on an unpaid invoice.

    Raises NotFound for a foreign line, Conflict for a draft or void invoice and for more than is
    left of a line. Source: CONTRACT 6, 18, 55, 80.
    """
    invoice, _ = lock_invoice(session, organization_id, invoice_id)
    if invoice.status not in CREDITABLE:
        raise Conflict(
            f"A {invoice.status} invoice cannot be credited.", code="invoice_not_creditable"
        )
    rows = {row.id: row for row in invoices.list_lines(session, organization_id, [invoice_id])}
    credited = credit_notes.sum_credited_lines(session, organization_id, list(rows))
    _require_creditable(invoice, rows, credited, lines)
    note = _build(session, invoice, rows, credited, lines, reason=reason, kind=kind, at=at, now=now)
    session.add(note)
    session.flush()
    session.add_all(
        CreditNoteLine(
            organization_id=organization_id,
            id=new_id(),
            credit_note_id=note.id,
            position=position,
            line_id=line.line_id,
            amount=line.amount,
        )
        for position, line in enumerate(lines)
    )
    _lower_due(session, invoice, note, at=at)
    record(
        session,
        organization_id,
        "invoice.credited",
        "invoice",
        invoice_id,
        after={"credit_note": note.number, "total": note.total},
        now=now,
    )
    return note


def _require_creditable(
    invoice: Invoice,
    rows: dict[UUID, InvoiceLine],
    credited: dict[UUID, Decimal],
    lines: Sequence[CreditedLine],
) -> None:
    if len({line.line_id for line in lines}) != len(lines):
        raise InvalidInput("A line is named twice.", code="line_repeated", field="lines")
    for line in lines:
        row = rows.get(line.line_id)
        if row is None:
            raise NotFound("The invoice has no such line.", code="line_not_found", field="line_id")
        require_creditable(
            line_total=row.line_total,
            credited_before=credited.get(line.line_id, ZERO),
            amount=line.amount,
            currency=find_currency(invoice.currency),
        )


def _build(
    session: Session,
    invoice: Invoice,
    rows: dict[UUID, InvoiceLine],
    credited: dict[UUID, Decimal],
    lines: Sequence[CreditedLine],
    *,
    reason: str,
    kind: str,
    at: datetime,
    now: datetime,
) -> CreditNote:
    taxes = invoices.list_taxes(session, invoice.organization_id, [invoice.id])
    taxed = {row.id for row in rows.values() if priced_line_of(row).is_taxable}
    amounts = credit_note(
        amount=sum((line.amount for line in lines if line.line_id in taxed), ZERO),
        credited_before=sum((amount for line, amount in credited.items() if line in taxed), ZERO),
        taxable=sum((rows[line].line_total for line in taxed), ZERO),
        tax=sum((tax.amount for tax in taxes if not tax.is_inclusive), ZERO),
        currency=find_currency(invoice.currency),
    )
    untaxed = sum((line.amount for line in lines if line.line_id not in taxed), ZERO)
    organization = organizations.get_organization(session, invoice.organization_id)
    year = at.astimezone(ZoneInfo(organization.timezone)).year
    sequence = invoices.draw_number(session, invoice.organization_id, SERIES, year)
    return CreditNote(
        organization_id=invoice.organization_id,
        id=new_id(),
        number=f"{SERIES}-{year}-{sequence:04d}",
        invoice_id=invoice.id,
        kind=kind,
        reason=reason,
        currency=invoice.currency,
        subtotal=amounts.subtotal + untaxed,
        tax=amounts.tax,
        total=amounts.total + untaxed,
        issue_date=at,
        created_at=now,
    )


def _lower_due(session: Session, invoice: Invoice, note: CreditNote, *, at: datetime) -> None:
    if invoice.status == InvoiceStatus.PAID:
        return
    invoice.amount_due = max(
        find_currency(invoice.currency).round(ZERO), invoice.amount_due - note.total
    )
    if invoice.amount_due == ZERO:
        # Nothing is left to pay, so nobody is asked for it any more.
        invoice.status = status_after_payment(InvoiceStatus(invoice.status))
        invoice.paid_at = at
    session.add(invoice)
    session.flush()
