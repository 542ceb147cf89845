"""Credit notes: part of an issued invoice given back, never more than was billed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from billing.credits.grants import Place
from billing.errors import Conflict, InvalidInput, NotFound
from billing.invoicing.invoices import InvoiceStatus
from billing.invoicing.kinds import CreditNoteKind
from billing.rating.lines import CorrectedCharge, LineType
from models.base import new_id
from models.invoicing.credit_notes import CreditNote, CreditNoteLine
from models.invoicing.invoices import Invoice, InvoiceLine
from repositories.accounts import organizations as stored_organizations
from repositories.invoicing import corrections as stored_corrections
from repositories.invoicing import credit_notes as stored_credit_notes
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import receipts as stored_receipts
from services import customer_accounts
from services.audit_log import record
from services.corrections.credit_parts import (
    NoteParts,
    lock_grants_of,
    post_returns,
    split_note,
)
from services.corrections.creditable import CreditableLines
from services.documents.locks import lock_invoice
from services.notifications import mails
from services.payments import receivables, repeats

SERIES = "CN"
CREDITABLE = frozenset({InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditedLine:
    """How much of one invoice line is given back, before tax.

    Units: what the line is priced in: its own unit, else major units of the currency.
    """

    line_id: UUID
    amount: Decimal
    corrects: tuple[CorrectedCharge, ...] | None = None
    """What it corrects of which charges, where usage was corrected; None where people give back."""


def find_repeated(
    session: Session,
    organization_id: UUID,
    invoice_id: UUID,
    lines: Sequence[CreditedLine],
    *,
    reason: str,
    at: datetime,
    now: datetime,
) -> CreditNote | None:
    """The note by hand that said the same of an invoice less than a minute ago, or None.

    The caller holds the invoice's lock.
    """
    wanted = {line.line_id: line.amount for line in lines}
    for note in stored_credit_notes.list_credit_notes(session, organization_id, invoice_id):
        is_recent = repeats.is_recent(note.created_at, note.issue_date, at=at, now=now)
        if (note.kind, note.reason) != (CreditNoteKind.MANUAL, reason) or not is_recent:
            continue
        rows = stored_credit_notes.list_credit_lines(session, organization_id, [note.id])
        if {row.line_id: row.amount_in_unit or row.amount for row in rows} == wanted:
            return note
    return None


def credit_invoice(
    session: Session,
    organization_id: UUID,
    invoice_id: UUID,
    lines: Sequence[CreditedLine],
    *,
    reason: str,
    at: datetime,
    now: datetime,
    kind: CreditNoteKind = CreditNoteKind.MANUAL,
) -> CreditNote:
    """A numbered credit note with its share of the tax; it lowers what is due on an unpaid invoice.

    Raises NotFound for a foreign line, Conflict for a draft or void invoice and for more than is
    left of a line. Source: CONTRACT section 6, 18, 55, 80.
    """
    invoice = _lock_creditable(session, organization_id, invoice_id)
    lock_grants_of(session, invoice, at=at, now=now)
    rows = {
        row.id: row for row in stored_invoices.list_lines(session, organization_id, [invoice_id])
    }
    creditable = CreditableLines(session, invoice, list(rows.values()))
    credited = dict(creditable.credited)
    changes = _take(creditable, rows, lines)
    given = {line.line_id: line.amount for line in lines}
    parts = split_note(session, invoice, list(rows.values()), credited, given)
    note = _build(session, invoice, parts, reason=reason, kind=kind, at=at, now=now)
    session.add(note)
    session.flush()
    named = [(rows[one.line_id], one) for one in lines]
    _write_lines(session, invoice, note, named, parts=parts, changes=changes, now=now)
    post_returns(session, invoice, note, parts.returned, now=now)
    receivables.credit(session, invoice, note.in_money, credit_note_id=note.id, at=at, now=now)
    mails.queue_credit_note(session, note, invoice, now=now)
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


def _lock_creditable(session: Session, organization_id: UUID, invoice_id: UUID) -> Invoice:
    invoice, _ = lock_invoice(session, organization_id, invoice_id)
    if invoice.status not in CREDITABLE:
        raise Conflict(
            f"A {invoice.status} invoice cannot be credited.", code="invoice_not_creditable"
        )
    return invoice


def _take(
    creditable: CreditableLines, rows: dict[UUID, InvoiceLine], lines: Sequence[CreditedLine]
) -> dict[UUID, tuple[CorrectedCharge, ...]]:
    """Which charges each line gives back of. Raises where more is asked for than is left."""
    if len({line.line_id for line in lines}) != len(lines):
        raise InvalidInput("A line is named twice.", code="line_repeated", field="lines")
    changes = {}
    for line in lines:
        row = rows.get(line.line_id)
        if row is None:
            raise NotFound("The invoice has no such line.", code="line_not_found", field="line_id")
        taken = creditable.take(row, line.amount)
        changes[line.line_id] = taken if line.corrects is None else line.corrects
    return changes


def _write_lines(
    session: Session,
    invoice: Invoice,
    note: CreditNote,
    lines: Sequence[tuple[InvoiceLine, CreditedLine]],
    *,
    parts: NoteParts,
    changes: Mapping[UUID, tuple[CorrectedCharge, ...]],
    now: datetime,
) -> None:
    for position, (row, line) in enumerate(lines):
        session.add(
            CreditNoteLine(
                organization_id=note.organization_id,
                id=new_id(),
                credit_note_id=note.id,
                position=position,
                line_id=line.line_id,
                amount=parts.money[line.line_id],
                amount_in_unit=None if row.amount_in_unit is None else line.amount,
            )
        )
        _write_changes(session, invoice, note, line, changes[line.line_id])
        if row.type == LineType.ADJUSTMENT:
            customer_accounts.pay_out(
                session, invoice, line.amount, credit_note_id=note.id, at=note.issue_date, now=now
            )


def _write_changes(
    session: Session,
    invoice: Invoice,
    note: CreditNote,
    line: CreditedLine,
    changes: tuple[CorrectedCharge, ...],
) -> None:
    if changes and invoice.subscription_id is not None:
        stored_corrections.insert_parts(
            session,
            invoice.organization_id,
            invoice.subscription_id,
            changes,
            invoice_id=invoice.id,
            line_id=line.line_id,
            credit_note_id=note.id,
            is_by_hand=line.corrects is None,
        )


def _build(
    session: Session,
    invoice: Invoice,
    parts: NoteParts,
    *,
    reason: str,
    kind: CreditNoteKind,
    at: datetime,
    now: datetime,
) -> CreditNote:
    organization = stored_organizations.get_organization(session, invoice.organization_id)
    year = at.astimezone(ZoneInfo(organization.timezone)).year
    _lock_before_numbers(session, invoice, now=now)
    [sequence] = stored_invoices.draw_numbers(session, invoice.organization_id, SERIES, year)
    return CreditNote(
        organization_id=invoice.organization_id,
        id=new_id(),
        number=f"{SERIES}-{year}-{sequence:04d}",
        invoice_id=invoice.id,
        kind=kind,
        reason=reason,
        currency=invoice.currency,
        subtotal=parts.amounts.subtotal,
        tax=parts.amounts.tax,
        total=parts.amounts.total,
        credits_before_tax=parts.sum_at(Place.BEFORE_TAX),
        credits_after_tax=parts.sum_at(Place.AFTER_TAX),
        returns_units=parts.returns_units,
        issue_date=at,
        created_at=now,
    )


def _lock_before_numbers(session: Session, invoice: Invoice, *, now: datetime) -> None:
    """Accounts, then the chain of receipts, then numbers, as bills do: one may come in between."""
    key = (invoice.organization_id, invoice.customer_id, invoice.currency)
    customer_accounts.available_credit(session, *key, lock=True)
    stored_receipts.lock_chains(session, [invoice.organization_id], now=now)
