"""What a credit note comes to: in money, and in what goes back to grants that paid of its invoice.

Source: CONTRACT 55, CREDITS 17.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.credits.grants import Place
from billing.credits.returns import (
    CoveredLine,
    Returned,
    return_gross,
    return_net,
)
from billing.invoicing.credit_notes import CreditNote as NoteAmounts
from billing.money import ZERO, exactly
from models.invoicing.credit_notes import CreditNote, CreditNoteReturn
from models.invoicing.invoices import Invoice, InvoiceLine
from repositories.invoicing import credit_notes as stored_credit_notes
from services.corrections.covered import Covered, facts_of, is_taxable
from services.corrections.unit_parts import Noted, UnitParts, split_units
from services.credits import drawing
from services.payments import receivables


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteParts:
    """What a note gives back in money, and what goes back to which grant.

    ``money`` is what it gives back of each line in money, before tax, or to grants in the currency,
    with what the units had cost that go back to grants.
    """

    amounts: NoteAmounts
    money: Mapping[UUID, Decimal] = field(default_factory=dict)
    returned: tuple[Returned, ...] = ()
    returns_units: bool = False

    @exactly
    def sum_at(self, place: Place) -> Decimal:
        """How much goes back to grants that paid before tax, or after it."""
        return sum((one.money for one in self.returned if one.place is place), ZERO)


def lock_grants_of(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> None:
    """Nobody else posts to the wallets that the invoice drew from.

    They are locked before the customer's account.
    """
    if invoice.is_drawn:
        rows = [one.grant for one in facts_of(session, invoice)]
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
                money=one.money,
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
    covered = Covered.read(session, invoice, rows)
    has_units = any(row.amount_in_unit is not None for row in rows)
    in_money = _credited_money(session, covered, rows) if has_units else credited
    in_units = split_units(
        rows,
        given,
        Noted(
            credited=credited, money=in_money, discounts=covered.discounts, paid=covered.in_units
        ),
        due=covered.due_before_tax(),
        currency=invoice.currency,
    )
    parts = _split_money(session, covered, rows, in_money, in_units)
    return replace(
        parts,
        money={
            row_id: amount + in_units.costs.get(row_id, ZERO)
            for row_id, amount in in_units.money.items()
        },
        returned=(*in_units.returned, *parts.returned),
        returns_units=any(given.get(row.id) and row.amount_in_unit is not None for row in rows),
    )


@exactly
def _credited_money(
    session: Session, covered: Covered, rows: Sequence[InvoiceLine]
) -> dict[UUID, Decimal]:
    """What notes gave back of each line as money, without shares of cost."""
    found = stored_credit_notes.sum_credited_money(
        session, covered.invoice.organization_id, [row.id for row in rows]
    )
    return {row.id: found.get(row.id, ZERO) - covered.cost_back(row.position) for row in rows}


def _split_money(
    session: Session,
    covered: Covered,
    rows: Sequence[InvoiceLine],
    credited: Mapping[UUID, Decimal],
    in_units: UnitParts,
) -> NoteParts:
    """The same of what is money, and of what units had cost: that is taxed, and goes to grants."""
    invoice = covered.invoice
    lines = [covered.line(row, credited, in_units.money[row.id]) for row in rows]
    costs = {row.position: in_units.costs.get(row.id, ZERO) for row in rows}
    named = [one for one in lines if one.amount > ZERO or costs[one.position] > ZERO]
    net = return_net(named, covered.due_before_tax(), covered.unit)
    before = sum(
        (
            covered.money_credited(row, credited) + covered.cost_back(row.position)
            for row in rows
            if is_taxable(row)
        ),
        ZERO,
    )
    back = {one.position: net.money[one.position] + costs[one.position] for one in named}
    taxed = sum((back[one.position] for one in named if one.is_taxable), ZERO)
    untaxed = sum((back[one.position] for one in named if not one.is_taxable), ZERO)
    made = covered.note(taxed, before)
    amounts = replace(made, subtotal=made.subtotal + untaxed, total=made.total + untaxed)
    rest = amounts.total - sum(costs.values(), ZERO) - receivables.takes(invoice)
    if invoice.credits_after_tax == ZERO or rest <= ZERO:
        return NoteParts(amounts=amounts, returned=net.returned)
    gross = return_gross(
        named,
        rest,
        others=[one for one in lines if one not in named],
        given=covered.with_tax(named, net.money, made.total - taxed, costs),
        left=covered.with_tax(
            lines,
            {one.position: _money_left(one) for one in lines},
            covered.tax_left(before),
            {one.position: covered.cost_left(one.position) for one in lines},
        ),
        received=covered.received(session),
        unit=covered.unit,
    )
    return NoteParts(amounts=amounts, returned=(*net.returned, *gross))


def _money_left(line: CoveredLine) -> Decimal:
    return line.left - sum((one.left for one in line.paid_at(Place.BEFORE_TAX)), ZERO)
