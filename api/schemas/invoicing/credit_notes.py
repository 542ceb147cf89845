"""Credit notes on the wire (CONTRACT section 6, 55)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.schemas.common import Exact, LongWords, Moment, Money, NotNegative, Schema, View
from billing.invoicing.kinds import CreditNoteKind
from models.invoicing.credit_notes import CreditNote, CreditNoteLine
from services.corrections.credit_notes import CreditedLine


class CreditLineItem(Schema):
    """How much of a line is given back, before tax."""

    line_id: UUID
    """The line of the invoice."""
    amount: NotNegative
    """How much of the line is given back, before tax, in major units of the invoice's currency; of
    a line that is `priced_in` an own unit so much of that."""


class CreditNoteCreate(Schema):
    """What is given back of an invoice, and why."""

    reason: Annotated[LongWords, Field(min_length=1)]
    """Why, as the credit note says it."""
    lines: Annotated[list[CreditLineItem], Field(min_length=1, max_length=1000)]
    """What is given back."""

    def credited(self) -> list[CreditedLine]:
        """The lines as the service takes them."""
        return [CreditedLine(line_id=line.line_id, amount=line.amount) for line in self.lines]


class CreditNoteLineView(View):
    """How much of a line was given back."""

    line_id: UUID
    """The line of the invoice."""
    amount: Money
    """How much of the line was given back in money, before tax."""
    amount_in_unit: Exact | None
    """How much of a line in an own unit was given back, in that unit: to the grants that had paid
    it, and as money of the rest; null for every other line."""


class CreditNoteView(View):
    """A credit note. Amounts are in major units of its currency."""

    id: UUID
    number: str
    """The number of the credit note, such as `CN-2026-0007`."""
    invoice_id: UUID
    kind: CreditNoteKind
    """Who gave it back: people, or the product by itself."""
    reason: str
    """Why."""
    currency: str
    subtotal: Money
    """What was given back before tax, less `credits_before_tax`."""
    tax: Money
    """The tax that was given back."""
    total: Money
    """What was given back, with tax."""
    credits_before_tax: Money
    """What went back to the grants that had paid it before tax; it is not in the total."""
    credits_after_tax: Money
    """How much of the total went back to the grants that had paid it, and not in money."""
    issue_date: Moment
    """When it was issued."""
    created_at: Moment
    lines: list[CreditNoteLineView]
    """What was given back, by line of the invoice."""


def view_credit_note(note: CreditNote, lines: Sequence[CreditNoteLine]) -> CreditNoteView:
    """The credit note as the API shows it."""
    own = [line for line in lines if line.credit_note_id == note.id]
    fields = {name: getattr(note, name) for name in CreditNoteView.model_fields if name != "lines"}
    shown = [
        CreditNoteLineView(
            line_id=line.line_id, amount=line.amount, amount_in_unit=line.amount_in_unit
        )
        for line in own
    ]
    return CreditNoteView(**fields, lines=shown)
