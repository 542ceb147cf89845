"""What has settled an invoice: what grants paid of each of its lines, coupons, taxes and money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.credits.grants import Place
from billing.credits.returns import CoveredLine, Paid
from billing.invoicing.credit_notes import CreditNote as NoteAmounts
from billing.invoicing.credit_notes import credit_note
from billing.invoicing.taxes import TaxAmount, added_tax
from billing.money import ZERO, find_currency
from billing.units import Unit, currency_unit
from models.invoicing.draws import InvoiceDraw
from models.invoicing.invoices import Invoice, InvoiceLine
from repositories.credits import grants as stored_grants
from repositories.credits.grants import GrantFacts
from repositories.invoicing import credit_notes as stored_credit_notes
from repositories.invoicing import draws as stored_draws
from repositories.invoicing import invoices as stored_invoices
from repositories.payments import payments as stored_payments
from services.corrections.not_billed import sum_not_billed
from services.credits import units
from services.credits.standing import to_grant
from services.documents.contents import priced_line_of, tax_amount_of
from services.payments import receivables


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """An invoice, its taxes, and what grants have paid of each line and got back.

    ``discounts`` are what coupons, or what was billed before, took off each line, which nobody
    paid. ``in_units`` is what
    grants in own units have paid and not got back, in these.
    """

    invoice: Invoice
    unit: Unit
    taxes: tuple[TaxAmount, ...]
    paid: Mapping[int, tuple[Paid, ...]]
    back: Mapping[int, Decimal]
    discounts: Mapping[int, Decimal]
    in_units: Mapping[int, tuple[Paid, ...]]

    @classmethod
    def read(cls, session: Session, invoice: Invoice, rows: Sequence[InvoiceLine]) -> Covered:
        """What an invoice of these lines has, whose row is locked."""
        key = (invoice.organization_id, invoice.id)
        paid: dict[int, list[Paid]] = {}
        in_units: dict[int, list[Paid]] = {}
        back: dict[int, Decimal] = {}
        if invoice.is_drawn:
            returned: dict[tuple[int, UUID], tuple[Decimal, Decimal]] = {}
            for one in stored_credit_notes.list_returns(session, *key):
                at = (one.line_position, one.grant_id)
                amount, money = returned.get(at, (ZERO, ZERO))
                returned[at] = amount + one.amount, money + one.money
                if one.place == Place.BEFORE_TAX:
                    back[one.line_position] = back.get(one.line_position, ZERO) + one.money
            ranks = {
                one.grant.id: to_grant(
                    one.grant,
                    units.find_unit(session, invoice.organization_id, one.grant.unit),
                    begins_at=one.begins_at or one.grant.effective_at,
                ).rank
                for one in facts_of(session, invoice)
            }
            draws = stored_draws.list_draws(session, [key])[key]
            for draw in sorted(
                draws, key=lambda one: (one.place == Place.AFTER_TAX, ranks[one.grant_id])
            ):
                is_money = draw.unit == invoice.currency
                back_of = returned.get((draw.line_position, draw.grant_id), (ZERO, ZERO))
                by_line = paid if is_money else in_units
                by_line.setdefault(draw.line_position, []).append(
                    _paid(draw, *back_of, is_money=is_money)
                )
        taxes = stored_invoices.list_taxes(session, invoice.organization_id, [invoice.id])
        return cls(
            invoice=invoice,
            unit=currency_unit(invoice.currency),
            taxes=tuple(tax_amount_of(row) for row in taxes),
            paid={position: tuple(found) for position, found in paid.items()},
            back=back,
            discounts=sum_not_billed(session, invoice, rows),
            in_units={position: tuple(found) for position, found in in_units.items()},
        )

    def line(
        self, row: InvoiceLine, credited: Mapping[UUID, Decimal], amount: Decimal
    ) -> CoveredLine:
        """A line of which that much is given back, after what was credited, without shares of cost.

        Those of own units that paid of it go back with the units.
        """
        return CoveredLine(
            position=row.position,
            amount=amount,
            left=row.line_total
            - sum((one.cost for one in self.in_units.get(row.position, ())), ZERO)
            - self.discounts.get(row.position, ZERO)
            - credited.get(row.id, ZERO),
            is_taxable=is_taxable(row),
            paid=self.paid.get(row.position, ()),
        )

    def money_credited(self, row: InvoiceLine, credited: Mapping[UUID, Decimal]) -> Decimal:
        """What notes gave back of a line in money so far, before tax."""
        return credited.get(row.id, ZERO) - self.back.get(row.position, ZERO)

    def cost_left(self, position: int) -> Decimal:
        """What of a line's cost shares no note has given back."""
        return sum((one.cost_left for one in self.in_units.get(position, ())), ZERO)

    def cost_back(self, position: int) -> Decimal:
        """What of a line's cost shares notes have given back."""
        paid = self.in_units.get(position, ())
        return sum((one.cost - one.cost_left for one in paid), ZERO)

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
        self,
        lines: Sequence[CoveredLine],
        net: Mapping[int, Decimal],
        tax: Decimal,
        costs: Mapping[int, Decimal],
    ) -> dict[int, Decimal]:
        """So much of each line with its share of a tax on top of those that are taxed.

        The ``costs`` of own units are taxed with it, and are not in it.
        """
        weights = [
            max(ZERO, net[one.position] + costs[one.position]) if one.is_taxable else ZERO
            for one in lines
        ]
        has_tax = tax > ZERO and any(weights)
        shares = self.unit.share(tax, tuple(weights)) if has_tax else [ZERO] * len(lines)
        return {
            one.position: net[one.position] + share
            for one, share in zip(lines, shares, strict=True)
        }


def _paid(draw: InvoiceDraw, amount: Decimal, money: Decimal, *, is_money: bool) -> Paid:
    """What a draw has paid, of which so much came back, and so much of its cost."""
    return Paid(
        grant_id=draw.grant_id,
        place=Place(draw.place),
        left=draw.amount - amount,
        drawn=draw.amount,
        cost=ZERO if is_money else draw.money,
        cost_left=ZERO if is_money else draw.money - money,
    )


def is_taxable(row: InvoiceLine) -> bool:
    """Whether a line is taxed, in what of it is money."""
    return priced_line_of(row).is_taxable


def facts_of(session: Session, invoice: Invoice) -> Sequence[GrantFacts]:
    """The grants that an invoice drew from."""
    key = (invoice.organization_id, invoice.id)
    drawn = {one.grant_id for one in stored_draws.list_draws(session, [key])[key]}
    return stored_grants.list_facts(session, invoice.organization_id, drawn)
