"""Credit notes: what is given back of an issued invoice. Append-only."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint

from models.base import Tenant, exact, instant, reference, words


class CreditNote(Tenant, table=True):
    """What one credit note gives back, in major units; ``total`` = ``subtotal`` + ``tax``."""

    __tablename__ = "credit_note"
    __table_args__ = (
        reference("invoice_id", "invoice"),
        UniqueConstraint("organization_id", "number", name="uq_credit_note_number"),
        CheckConstraint(
            "kind IN ('manual', 'late_usage', 'carried_credit', 'purchase')", name="kind"
        ),
        CheckConstraint("total = subtotal + tax", name="total"),
        CheckConstraint("subtotal > 0 AND tax >= 0", name="amounts"),
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
    issue_date: datetime = instant()
    created_at: datetime = instant()


class CreditNoteLine(Tenant, table=True):
    """How much of one invoice line a credit note gives back."""

    __tablename__ = "credit_note_line"
    __table_args__ = (
        reference("credit_note_id", "credit_note"),
        reference("line_id", "invoice_line"),
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_credit_note_line_line", "organization_id", "line_id"),
    )

    credit_note_id: UUID
    position: int
    line_id: UUID
    amount: Decimal = exact()
