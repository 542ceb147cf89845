"""What a credit note comes to: in money, and in what goes back to grants that paid of its invoice.

Source: CONTRACT 55, CREDITS.md rule 17 and *Made precise* (Credit notes).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.credits.grants import Place
from billing.credits.returns import (
    CoveredLine,
    Paid,
    Returned,
    return_gross,
    return_net,
)
from billing.credits.units import Unit, currency_unit
from billing.invoicing.credit_notes import CreditNote as NoteAmounts
from billing.invoicing.credit_notes import credit_note
from billing.invoicing.taxes import TaxAmount, added_tax
from billing.money import ZERO, exactly, find_currency
from models.invoicing.credit_notes import CreditNote, CreditNoteReturn
from models.invoicing.invoices import Invoice, InvoiceLine
from repositories.credits import grants as stored_grants
from repositories.credits.grants import GrantFacts
from repositories.discounts import uses as stored_uses
from repositories.invoicing import credit_notes as stored_credit_notes
from repositories.invoicing import draws as stored_draws
from repositories.invoicing import invoices as stored_invoices
from repositories.payments import payments as stored_payments
from services.credits import drawing, units
from services.credits.standing import to_grant
from services.documents.contents import priced_line_of, tax_amount_of
from services.payments import receivables


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteParts:
    """What a note gives back in money, and what goes back to which grant."""

    amounts: NoteAmounts
    returned: tuple[Returned, ...] = ()

    @exactly
    def sum_at(self, place: Place) -> Decimal:
        """How much goes back to grants that paid before tax, or after it."""
        return sum((one.amount for one in self.returned if one.place is place), ZERO)


def lock_grants_of(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> None:
    """Nobody else posts to the wallets that the invoice drew from.

    They are locked before the customer's account.
    """
    if invoice.credits_total:
        rows = [one.grant for one in _facts_of(session, invoice)]
        drawing.lock_wallets_of(session, rows, at=at, now=now)


def post_returns(
    session: Session,
    invoice: Invoice,
    note: CreditNote,
    returned: Sequence[Returned],
    *,
    now: datetime,
) -> None:
    """What the note gives back to grants is theirs again, and the note says so by line.

    Idempotent by the note.
    """
    if not returned:
        return
    amounts: dict[UUID, Decimal] = {}
    for one in returned:
        amounts[one.grant_id] = amounts.get(one.grant_id, ZERO) + one.amount
        session.add(
            CreditNoteReturn(
                organization_id=note.organization_id,
                credit_note_id=note.id,
                invoice_id=invoice.id,
                line_position=one.position,
                grant_id=one.grant_id,
                amount=one.amount,
                money=one.amount,
                place=one.place,
            )
        )
    session.flush()
    drawing.give_back(
        session,
        invoice,
        amounts,
        document_id=note.id,
        credit_note_id=note.id,
        at=note.issue_date,
        now=now,
    )


@exactly
def split_note(
    session: Session,
    invoice: Invoice,
    rows: Sequence[InvoiceLine],
    credited: Mapping[UUID, Decimal],
    given: Mapping[UUID, Decimal],
) -> NoteParts:
    """What a note comes to that gives so much back of each line, after what was ``credited``.

    The invoice is locked, and so are the wallets that it drew from.
    """
    covered = _Covered.read(session, invoice)
    lines = [covered.line(row, credited, given.get(row.id, ZERO)) for row in rows]
    named = [one for one in lines if one.amount > ZERO]
    net = return_net(named, covered.due_before_tax(), covered.unit)
    before = sum((covered.money_credited(row, credited) for row in rows if _is_taxable(row)), ZERO)
    taxed = sum((net.money[one.position] for one in named if one.is_taxable), ZERO)
    untaxed = sum((net.money[one.position] for one in named if not one.is_taxable), ZERO)
    made = covered.note(taxed, before)
    amounts = replace(made, subtotal=made.subtotal + untaxed, total=made.total + untaxed)
    rest = amounts.total - receivables.takes(invoice)
    if invoice.credits_after_tax == ZERO or rest <= ZERO:
        return NoteParts(amounts=amounts, returned=net.returned)
    gross = return_gross(
        named,
        rest,
        others=[one for one in lines if one.amount == ZERO],
        given=covered.with_tax(named, net.money, made.total - taxed),
        left=covered.with_tax(
            lines, {one.position: _money_left(one) for one in lines}, covered.tax_left(before)
        ),
        received=covered.received(session),
        unit=covered.unit,
    )
    return NoteParts(amounts=amounts, returned=(*net.returned, *gross))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Covered:
    """An invoice, its taxes, and what grants have paid of each line and got back.

    ``discounts`` are what coupons took off each line, which nobody paid.
    """

    invoice: Invoice
    unit: Unit
    taxes: tuple[TaxAmount, ...]
    paid: Mapping[int, tuple[Paid, ...]]
    back: Mapping[int, Decimal]
    discounts: Mapping[int, Decimal]

    @classmethod
    def read(cls, session: Session, invoice: Invoice) -> _Covered:
        key = (invoice.organization_id, invoice.id)
        paid: dict[int, list[Paid]] = {}
        back: dict[int, Decimal] = {}
        if invoice.credits_total:
            returned: dict[tuple[int, UUID], Decimal] = {}
            for one in stored_credit_notes.list_returns(session, *key):
                at = (one.line_position, one.grant_id)
                returned[at] = returned.get(at, ZERO) + one.money
                if one.place == Place.BEFORE_TAX:
                    back[one.line_position] = back.get(one.line_position, ZERO) + one.money
            ranks = {
                one.grant.id: to_grant(
                    one.grant,
                    units.find_unit(session, invoice.organization_id, one.grant.unit),
                    begins_at=one.begins_at or one.grant.effective_at,
                ).rank
                for one in _facts_of(session, invoice)
            }
            draws = stored_draws.list_draws(session, [key])[key]
            for draw in sorted(draws, key=lambda one: ranks[one.grant_id]):
                left = draw.money - returned.get((draw.line_position, draw.grant_id), ZERO)
                paid.setdefault(draw.line_position, []).append(
                    Paid(grant_id=draw.grant_id, place=Place(draw.place), left=left)
                )
        taxes = stored_invoices.list_taxes(session, invoice.organization_id, [invoice.id])
        return cls(
            invoice=invoice,
            unit=currency_unit(invoice.currency),
            taxes=tuple(tax_amount_of(row) for row in taxes),
            paid={position: tuple(found) for position, found in paid.items()},
            back=back,
            discounts=stored_uses.sum_by_line(session, *key),
        )

    def line(
        self, row: InvoiceLine, credited: Mapping[UUID, Decimal], amount: Decimal
    ) -> CoveredLine:
        """A line of which that much is given back, after what was credited."""
        return CoveredLine(
            position=row.position,
            amount=amount,
            left=row.line_total
            - self.discounts.get(row.position, ZERO)
            - credited.get(row.id, ZERO),
            is_taxable=_is_taxable(row),
            paid=self.paid.get(row.position, ()),
        )

    def money_credited(self, row: InvoiceLine, credited: Mapping[UUID, Decimal]) -> Decimal:
        """What notes gave back of a line in money so far, before tax."""
        return credited.get(row.id, ZERO) - self.back.get(row.position, ZERO)

    def note(self, amount: Decimal, before: Decimal) -> NoteAmounts:
        """A note of so much of the taxable lines, with its share of the tax."""
        currency = find_currency(self.invoice.currency)
        return credit_note(
            amount=amount, credited_before=before, rates=self.taxes, currency=currency
        )

    def tax_left(self, before: Decimal) -> Decimal:
        """What notes have left of the tax that was on top."""
        return added_tax(self.taxes) - (self.note(before, ZERO).total - before)

    def due_before_tax(self) -> Decimal:
        """How much of the lines is still due: as much of them as of the total."""
        due, total = receivables.takes(self.invoice), self.invoice.total
        if due <= ZERO:
            return ZERO
        net = total - added_tax(self.taxes)
        return self.unit.share(net, (due, total - due))[0]

    def received(self, session: Session) -> Decimal:
        """How much of the money that was paid can still go back."""
        invoice = self.invoice
        kept = invoice.amount_paid - invoice.amount_refunded
        unpaid = stored_payments.get_unpaid_notes(session, invoice.organization_id, invoice.id)
        return max(ZERO, kept - unpaid)

    def with_tax(
        self, lines: Sequence[CoveredLine], net: Mapping[int, Decimal], tax: Decimal
    ) -> dict[int, Decimal]:
        """So much of each line with its share of a tax on top of those that are taxed."""
        weights = [max(ZERO, net[one.position]) if one.is_taxable else ZERO for one in lines]
        has_tax = tax > ZERO and any(weights)
        shares = self.unit.share(tax, tuple(weights)) if has_tax else [ZERO] * len(lines)
        return {
            one.position: net[one.position] + share
            for one, share in zip(lines, shares, strict=True)
        }


def _money_left(line: CoveredLine) -> Decimal:
    return line.left - sum((one.left for one in line.paid_at(Place.BEFORE_TAX)), ZERO)


def _is_taxable(row: InvoiceLine) -> bool:
    return priced_line_of(row).is_taxable


def _facts_of(session: Session, invoice: Invoice) -> Sequence[GrantFacts]:
    key = (invoice.organization_id, invoice.id)
    drawn = {one.grant_id for one in stored_draws.list_draws(session, [key])[key]}
    return stored_grants.list_facts(session, invoice.organization_id, drawn)
