"""What prepaid credit pays of invoices, line by line, and what that was decided from."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint
from sqlmodel import Field, SQLModel

from models.base import document, exact, instant, reference, words


class InvoiceDraw(SQLModel, table=True):
    """How much of a line a grant pays: ``amount`` in its unit, ``money`` in the invoice's currency.

    Of a draft it is provisional, and goes with the line. Of a final invoice it is posted.
    ``place`` says whether it pays of the net amount, or of what is due with its taxes. In an own
    unit ``money`` is what that had cost where it is taxed as it is used, else nothing. Of one line
    draws pay by their ``sequence``; earlier ones, which have none, are in the order of grants.
    """

    __tablename__ = "invoice_draw"
    __table_args__ = (
        reference("invoice_id", "invoice", ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["organization_id", "invoice_id", "line_position"],
            [
                "invoice_line.organization_id",
                "invoice_line.invoice_id",
                "invoice_line.position",
            ],
            name="fk_invoice_draw_line",
            ondelete="CASCADE",
        ),
        reference("grant_id", "credit_grant"),
        CheckConstraint("amount > 0 AND money >= 0", name="amount"),
        CheckConstraint("place IN ('before_tax', 'after_tax')", name="place"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    invoice_id: UUID = Field(primary_key=True)
    line_position: int = Field(primary_key=True)
    grant_id: UUID = Field(primary_key=True)
    unit: str = words()
    amount: Decimal = exact()
    money: Decimal = exact()
    place: str = words()
    sequence: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class InvoiceDrawing(SQLModel, table=True):
    """What a final invoice's draws were decided from: lots with their rests, and its usage cut.

    Append-only, so that anybody can compute the draws again.
    """

    __tablename__ = "invoice_drawing"
    __table_args__ = (reference("invoice_id", "invoice"),)

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    invoice_id: UUID = Field(primary_key=True)
    content: Any = document()
    digest: str = words()
    created_at: datetime = instant()
