"""Documents put together from their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.credits.grants import Place
from billing.invoicing.credit_notes import taxes_of_note
from billing.invoicing.invoices import InvoiceStatus
from billing.invoicing.kinds import CreditNoteKind, InvoiceKind
from billing.invoicing.taxes import TaxAmount
from billing.money import ZERO, find_currency
from billing.periods import Period
from models.accounts.organizations import Organization
from models.invoicing.credit_notes import CreditNote, CreditNoteReturn
from models.invoicing.invoices import Invoice, InvoiceLine
from repositories.accounts import organizations as stored_organizations
from repositories.discounts import uses as stored_uses
from repositories.invoicing import credit_notes as stored_notes
from repositories.invoicing import draws as stored_draws
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import links as stored_links
from repositories.invoicing import receipts as stored_receipts
from services.documents.appearance.links import page_address, verify_address
from services.documents.appearance.logos import read_logo
from services.documents.contents import priced_line_of, tax_amount_of
from services.documents.evidence import evidence_of
from services.documents.parties import read_parties
from services.documents.view import (
    Contact,
    Correction,
    Document,
    DocumentCoupon,
    DocumentKind,
    DocumentLine,
    GivenBack,
    Logo,
    Prepaid,
)
from services.required import not_found, require_invoice


def read_invoice(
    session: Session, organization_id: UUID, invoice_id: UUID, *, public_url: str | None = None
) -> Document:
    """The invoice as a document, which points to addresses below ``public_url``.

    Raises NotFound ``invoice_not_found``.
    """
    invoice = require_invoice(stored_invoices.find_invoice(session, organization_id, invoice_id))
    organization = stored_organizations.get_organization(session, organization_id)
    parties = read_parties(session, invoice)
    lines = stored_invoices.list_lines(session, organization_id, [invoice_id])
    taxes = stored_invoices.list_taxes(session, organization_id, [invoice_id])
    return Document(
        kind=DocumentKind.INVOICE,
        number=invoice.invoice_number,
        language=parties.language,
        currency=invoice.currency,
        timezone=invoice.timezone,
        issued_at=invoice.issue_date,
        seller=parties.seller,
        buyer=parties.buyer,
        buyer_reference=parties.buyer_reference,
        lines=_lines_of(invoice, lines),
        subtotal=invoice.subtotal,
        taxes=tuple(tax_amount_of(row) for row in taxes),
        tax=invoice.tax,
        total=invoice.total,
        amount_paid=invoice.amount_paid,
        amount_due=invoice.amount_due,
        receipt=evidence_of(session, invoice, lines),
        status=InvoiceStatus(invoice.status),
        due_at=invoice.due_date,
        period=_period_of(invoice),
        logo=_logo_of(organization),
        contact=_contact_of(organization),
        coupons=_coupons_of(session, invoice, lines),
        prepaid=_prepaid_of(session, invoice, lines),
        prepaid_after_tax=invoice.credits_after_tax,
        given_back=_given_back(session, invoice),
        bank_details=_bank_details(organization.bank_details),
        payment_link=invoice.payment_link,
        page_link=_page_link(session, invoice, public_url),
        verify_link=_verify_link(session, invoice, public_url),
    )


def _lines_of(invoice: Invoice, rows: Sequence[InvoiceLine]) -> tuple[DocumentLine, ...]:
    return tuple(_line_of(invoice, row, row.line_total) for row in rows)


def _line_of(invoice: Invoice, row: InvoiceLine, total: Decimal) -> DocumentLine:
    sells_credit = invoice.kind == InvoiceKind.PURCHASE
    return DocumentLine(priced=priced_line_of(row), total=total, sells_credit=sells_credit)


def _prepaid_of(session: Session, invoice: Invoice, lines: Sequence[InvoiceLine]) -> Prepaid | None:
    if not invoice.credits_before_tax:
        return None
    key = (invoice.organization_id, invoice.id)
    untaxed = {row.position for row in lines if not priced_line_of(row).is_taxable}
    draws = stored_draws.list_draws(session, [key])[key]
    return Prepaid(
        amount=invoice.credits_before_tax,
        untaxed=sum(
            (
                one.money
                for one in draws
                if one.place == Place.BEFORE_TAX and one.line_position in untaxed
            ),
            ZERO,
        ),
    )


def _given_back(session: Session, invoice: Invoice) -> tuple[GivenBack, ...]:
    notes = stored_notes.list_credit_notes(session, invoice.organization_id, invoice.id)
    return tuple(
        GivenBack(number=note.number, issued_at=note.issue_date, total=note.total) for note in notes
    )


def _coupons_of(
    session: Session, invoice: Invoice, lines: Sequence[InvoiceLine]
) -> tuple[DocumentCoupon, ...]:
    if not invoice.coupons_total:
        return ()
    key = (invoice.organization_id, invoice.id)
    used = stored_uses.list_invoice_coupons(session, [key])[key]
    shares = stored_uses.list_coupon_lines(session, [key])[key]
    is_taxed = {one.position: priced_line_of(one).is_taxable for one in lines}
    return tuple(
        DocumentCoupon.of(
            one.code,
            (
                (share.amount, is_taxed[share.line_position])
                for share in shares
                if share.redemption_id == one.redemption_id
            ),
        )
        for one in used
    )


def read_credit_note(session: Session, organization_id: UUID, credit_note_id: UUID) -> Document:
    """The credit note as a document. Raises NotFound ``credit_note_not_found``."""
    note = stored_notes.find_credit_note(session, organization_id, credit_note_id)
    if note is None:
        raise not_found("Credit note")
    invoice = require_invoice(
        stored_invoices.find_invoice(session, organization_id, note.invoice_id)
    )
    organization = stored_organizations.get_organization(session, organization_id)
    parties = read_parties(session, invoice)
    rows = stored_invoices.list_lines(session, organization_id, [invoice.id])
    credited = stored_notes.list_credit_lines(session, organization_id, [note.id])
    billed = {row.id: row for row in rows}
    taxes = _taxes_of_note(session, note, rows)
    return Document(
        kind=DocumentKind.CREDIT_NOTE,
        number=note.number,
        language=parties.language,
        currency=note.currency,
        timezone=invoice.timezone,
        issued_at=note.issue_date,
        seller=parties.seller,
        buyer=parties.buyer,
        buyer_reference=parties.buyer_reference,
        lines=tuple(_line_of(invoice, billed[one.line_id], one.amount) for one in credited),
        subtotal=note.subtotal + note.credits_before_tax,
        prepaid=_prepaid_of_note(session, note, rows),
        taxes=taxes,
        tax=note.tax,
        total=note.total,
        amount_paid=ZERO,
        amount_due=ZERO,
        prepaid_after_tax=note.credits_after_tax,
        receipt=evidence_of(session, invoice, [billed[one.line_id] for one in credited], note=note),
        correction=Correction(
            invoice_number=invoice.invoice_number or "",
            reason=note.reason,
            is_ours=note.kind != CreditNoteKind.MANUAL,
        ),
        period=_period_of(invoice),
        logo=_logo_of(organization),
        contact=_contact_of(organization),
    )


def _page_link(session: Session, invoice: Invoice, public_url: str | None) -> str | None:
    link = stored_links.find_link(session, invoice.organization_id, invoice.id)
    if link is None or public_url is None:
        return None
    return page_address(public_url, link.token)


def _verify_link(session: Session, invoice: Invoice, public_url: str | None) -> str | None:
    signed = stored_receipts.find_of_invoice(session, invoice.organization_id, invoice.id)
    if signed is None or public_url is None:
        return None
    return verify_address(public_url, signed.id)


def _taxes_of_note(
    session: Session, note: CreditNote, rows: Sequence[InvoiceLine]
) -> tuple[TaxAmount, ...]:
    """What each rate gives back with the note, after the notes before it; together its tax."""
    organization_id = note.organization_id
    notes = [
        one.id for one in stored_notes.list_credit_notes(session, organization_id, note.invoice_id)
    ]
    taxable = {row.id for row in rows if priced_line_of(row).is_taxable}
    before, amount = ZERO, ZERO
    for credited in stored_notes.list_credit_lines(
        session, organization_id, notes[: notes.index(note.id) + 1]
    ):
        if credited.line_id in taxable and credited.credit_note_id == note.id:
            amount += credited.amount
        elif credited.line_id in taxable:
            before += credited.amount
    for one in _returns_of(session, note, rows, is_taxable=True):
        # What goes back to grants was not taxed.
        if one.credit_note_id == note.id:
            amount -= one.money
        elif one.credit_note_id in notes[: notes.index(note.id)]:
            before -= one.money
    taxes = stored_invoices.list_taxes(session, organization_id, [note.invoice_id])
    return taxes_of_note(
        tax=note.tax,
        amount=amount,
        credited_before=before,
        rates=[tax_amount_of(row) for row in taxes],
        currency=find_currency(note.currency),
    )


def _returns_of(
    session: Session, note: CreditNote, rows: Sequence[InvoiceLine], *, is_taxable: bool
) -> list[CreditNoteReturn]:
    """What notes of the invoice gave back to grants before tax, of lines that are taxed or not."""
    positions = {row.position for row in rows if priced_line_of(row).is_taxable is is_taxable}
    return [
        one
        for one in stored_notes.list_returns(session, note.organization_id, note.invoice_id)
        if one.place == Place.BEFORE_TAX and one.line_position in positions
    ]


def _prepaid_of_note(
    session: Session, note: CreditNote, rows: Sequence[InvoiceLine]
) -> Prepaid | None:
    if not note.credits_before_tax:
        return None
    untaxed = [
        one.money
        for one in _returns_of(session, note, rows, is_taxable=False)
        if one.credit_note_id == note.id
    ]
    return Prepaid(amount=note.credits_before_tax, untaxed=sum(untaxed, ZERO))


def _logo_of(organization: Organization) -> Logo | None:
    return None if organization.logo is None else read_logo(organization.logo)


def _contact_of(organization: Organization) -> Contact:
    """Who answers today, as bank details say where to pay today."""
    return Contact(
        name=organization.contact_name,
        phone=organization.contact_phone,
        email=organization.contact_email,
    )


def _period_of(invoice: Invoice) -> Period | None:
    if invoice.period_start is None or invoice.period_end is None:
        return None
    return Period(starts_at=invoice.period_start, ends_at=invoice.period_end)


def _bank_details(details: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """The details that are words or numbers, in the order of their names."""
    return tuple(
        (name, str(value))
        for name, value in sorted(details.items())
        if value is not None and not isinstance(value, (Mapping, list, bool))
    )
