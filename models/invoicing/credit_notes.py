"""Credit notes: what is given back of an issued invoice. Append-only."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from models.base import Tenant, exact, instant, reference, words


class CreditNote(Tenant, table=True):
    """What one credit note gives back, in major units; ``total`` = ``subtotal`` + ``tax``.

    What grants paid before tax goes back to them beside that, ``credits_before_tax``; of the total
    ``credits_after_tax`` goes back to grants instead of money.
    """

    __tablename__ = "credit_note"
    __table_args__ = (
        reference("invoice_id", "invoice"),
        UniqueConstraint("organization_id", "number", name="uq_credit_note_number"),
        CheckConstraint(
            "kind IN ('manual', 'late_usage', 'carried_credit', 'purchase')", name="kind"
        ),
        CheckConstraint("total = subtotal + tax", name="total"),
        CheckConstraint(
            "subtotal >= 0 AND tax >= 0 AND credits_before_tax >= 0"
            " AND (subtotal + credits_before_tax > 0 OR returns_units)",
            name="amounts",
        ),
        CheckConstraint("credits_after_tax BETWEEN 0 AND total", name="credits_after_tax"),
        Index("ix_credit_note_invoice", "organization_id", "invoice_id"),
        Index("ix_credit_note_issued", "organization_id", "issue_date"),
    )

    number: str = words()
    invoice_id: UUID
    kind: str = words()
    reason: str = words()
    currency: str = words()
    subtotal: Decimal = exact()
    tax: Decimal = exact()
    total: Decimal = exact()
    credits_before_tax: Decimal = exact(default=Decimal(0), server_default="0")
    credits_after_tax: Decimal = exact(default=Decimal(0), server_default="0")
    returns_units: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether it gives anything back of lines in own units, perhaps no money."""
    issue_date: datetime = instant()
    created_at: datetime = instant()

    @property
    def in_money(self) -> Decimal:
        """What of its total lowers what is due or was paid by money; grants get the rest."""
        return self.total - self.credits_after_tax


class CreditNoteLine(Tenant, table=True):
    """How much of one invoice line a credit note gives back, before tax.

    ``amount`` is money. Of a line that is priced in an own unit ``amount_in_unit`` is what of it
    is given back in all, of which the money is only what had become money, and what units had cost
    that go back and are taxed as they are used.
    """

    __tablename__ = "credit_note_line"
    __table_args__ = (
        reference("credit_note_id", "credit_note"),
        reference("line_id", "invoice_line"),
        CheckConstraint(
            "CASE WHEN amount_in_unit IS NULL THEN amount > 0"
            " ELSE amount >= 0 AND amount_in_unit > 0 END",
            name="amount",
        ),
        Index("ix_credit_note_line_line", "organization_id", "line_id"),
        Index("ix_credit_note_line_note", "organization_id", "credit_note_id", "position"),
    )

    credit_note_id: UUID
    position: int
    line_id: UUID
    amount: Decimal = exact()
    amount_in_unit: Decimal | None = exact(nullable=True, default=None)


class CreditNoteReturn(SQLModel, table=True):
    """How much of a line a credit note gives back to the grant that had paid it."""

    __tablename__ = "credit_note_return"
    __table_args__ = (
        reference("credit_note_id", "credit_note"),
        ForeignKeyConstraint(
            ["organization_id", "invoice_id", "line_position", "grant_id"],
            [
                "invoice_draw.organization_id",
                "invoice_draw.invoice_id",
                "invoice_draw.line_position",
                "invoice_draw.grant_id",
            ],
            name="fk_credit_note_return_draw",
        ),
        CheckConstraint("amount > 0 AND money >= 0", name="amount"),
        CheckConstraint("place IN ('before_tax', 'after_tax')", name="place"),
        Index("ix_credit_note_return_invoice", "organization_id", "invoice_id"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    credit_note_id: UUID = Field(primary_key=True)
    line_position: int = Field(primary_key=True)
    grant_id: UUID = Field(primary_key=True)
    invoice_id: UUID
    amount: Decimal = exact()
    money: Decimal = exact()
    place: str = words()
