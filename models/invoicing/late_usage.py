"""Corrections of final periods: which are to be looked at again, and what was corrected so far."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from models.base import Tenant, exact, instant, reference


class LateUsageMark(SQLModel, table=True):
    """A period that is to be rated again: something that its amount depends on changed.

    Written in the transaction of that change, taken away in the transaction that settles it. While
    a draft shows the difference, ``draft_id`` names it; another change takes the name away.
    ``ends_term``: a term of a commitment ends with it, which its bill knew nothing of.
    """

    __tablename__ = "late_usage_mark"
    __table_args__ = (
        reference("subscription_id", "subscription"),
        Index("ix_late_usage_mark_marked", "organization_id", "marked_at"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    subscription_id: UUID = Field(primary_key=True)
    period_index: int = Field(primary_key=True)
    marked_at: datetime = instant()
    draft_id: UUID | None = None
    ends_term: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class CorrectionPart(Tenant, table=True):
    """How much a late line, or a credit note, changes what one charge of one period is billed.

    ``line_id`` is the late line itself, or the line that ``credit_note_id`` gives back of;
    ``invoice_id`` the invoice of that line. ``is_by_hand`` marks what people gave back.
    """

    __tablename__ = "correction_part"
    __table_args__ = (
        reference("subscription_id", "subscription"),
        reference("invoice_id", "invoice", ondelete="CASCADE"),
        reference("line_id", "invoice_line", ondelete="CASCADE"),
        reference("credit_note_id", "credit_note"),
        CheckConstraint("amount <> 0", name="amount"),
        CheckConstraint("NOT is_by_hand OR credit_note_id IS NOT NULL", name="by_hand"),
        Index("ix_correction_part_period", "organization_id", "subscription_id", "period_index"),
        Index("ix_correction_part_line", "organization_id", "line_id"),
        Index("ix_correction_part_invoice", "organization_id", "invoice_id"),
    )

    subscription_id: UUID
    period_index: int
    charge_id: UUID
    invoice_id: UUID
    line_id: UUID
    credit_note_id: UUID | None = None
    is_by_hand: bool = False
    amount: Decimal = exact()


class ForgivenCharge(Tenant, table=True):
    """What a void invoice said of a charge that others billed as well, and nobody says again.

    ``billed`` is what the other documents billed of the charge then, ``amount`` how much more or
    less the void one said. Without a charge both speak of the whole period, as they do once people
    rewrote its draft; ``rewritten_id`` names the invoice that they did it on. Rows are never
    changed. Source: CONTRACT 85.
    """

    __tablename__ = "forgiven_charge"
    __table_args__ = (
        reference("subscription_id", "subscription"),
        reference("invoice_id", "invoice"),
        reference("rewritten_id", "invoice"),
        CheckConstraint("amount <> 0", name="amount"),
        CheckConstraint("rewritten_id IS NULL OR charge_id IS NULL", name="as_one"),
        UniqueConstraint(
            "organization_id",
            "invoice_id",
            "period_index",
            "charge_id",
            name="uq_forgiven_charge_said",
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_forgiven_charge_period", "organization_id", "subscription_id", "period_index"),
    )

    subscription_id: UUID
    period_index: int
    charge_id: UUID | None
    invoice_id: UUID
    rewritten_id: UUID | None = None
    billed: Decimal = exact()
    amount: Decimal = exact()
