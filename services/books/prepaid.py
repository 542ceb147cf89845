"""What sold credit is owed no more, by what it had cost, of documents and by itself.

All parts of a grant come to what it cost, in whatever order they go and come back. So the books
owe of it what ``GET /credits/deferred-revenue`` says, and what is sold and not begun.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from billing.books import entries
from billing.books.chart import BREAKAGE, Rate, revenue_account
from billing.books.entries import Entry, Matter
from billing.credits.expiry import cost_of_rest
from billing.credits.ledger import CreditPostingKind
from billing.money import ZERO, exactly, find_currency
from repositories.books.prepaid import CreditMove


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What documents moved of sold credit, by what it had cost."""

    moves: Sequence[CreditMove]

    def drawn_by(self, invoice_id: UUID) -> Decimal:
        """What the invoice drew as it became final."""
        return self._sum(invoice_id, None, CreditPostingKind.DRAWN)

    def given_back_by(self, note_id: UUID) -> Decimal:
        """What the note gave back."""
        [*invoices] = {one.invoice_id for one in self.moves if one.note_id == note_id}
        return -sum(
            (self._sum(one, note_id, CreditPostingKind.RETURNED) for one in invoices if one), ZERO
        )

    def given_back_by_void(self, invoice_id: UUID) -> Decimal:
        """What the invoice gave back as it became void."""
        return -self._sum(invoice_id, None, CreditPostingKind.RETURNED)

    @exactly
    def _sum(self, invoice_id: UUID, note_id: UUID | None, kind: CreditPostingKind) -> Decimal:
        found = [
            one
            for one in self.moves
            if (one.invoice_id, one.note_id, one.kind) == (invoice_id, note_id, kind)
        ]
        return sum((_cost_of(one) for one in found if one.is_of_document), ZERO)


def enter(move: CreditMove, rates: Sequence[Rate], on: date) -> Entry:
    """A movement that is part of no document's entry; ``rates`` are those of its invoice.

    What expires is breakage, and what is used revenue.
    """
    numbers = (move.note_number, move.invoice_number)
    matter = Matter(
        key=f"credit/{move.key}",
        kind=f"credit_{move.kind}",
        on=on,
        currency=move.currency,
        customer=move.customer,
        customer_id=str(move.customer_id),
        documents=tuple(number for number in numbers if number is not None),
    )
    is_breakage = move.kind == CreditPostingKind.EXPIRED
    account = BREAKAGE if is_breakage else revenue_account(rates)
    return entries.earn(matter, _cost_of(move), account)


@exactly
def _cost_of(move: CreditMove) -> Decimal:
    """What a movement takes off what is owed; below zero, what it puts back."""
    places = find_currency(move.currency).exponent
    before, after = (
        cost_of_rest(move.cost, rest, granted=move.granted, places=places)
        for rest in (move.before, move.after)
    )
    return before - after
