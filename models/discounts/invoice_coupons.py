"""What coupons take off invoices, line by line, and which bill of its limit each use is."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.base import exact, reference, words


class InvoiceCoupon(SQLModel, table=True):
    """What a coupon takes off an invoice in all.

    Of a draft it is provisional. A final invoice uses the coupon: ``use_number`` counts that under
    the coupon's limit, and is None again once the invoice is void.
    """

    __tablename__ = "invoice_coupon"
    __table_args__ = (
        reference("invoice_id", "invoice", ondelete="CASCADE"),
        ForeignKeyConstraint(
            ["organization_id", "redemption_id", "use_limit"],
            [
                "coupon_redemption.organization_id",
                "coupon_redemption.id",
                "coupon_redemption.use_limit",
            ],
            name="fk_invoice_coupon_redemption",
        ),
        UniqueConstraint(
            "organization_id", "redemption_id", "use_number", name="uq_invoice_coupon_use"
        ),
        CheckConstraint("use_number BETWEEN 1 AND use_limit", name="use_number"),
        CheckConstraint("amount > 0", name="amount"),
        Index(
            "ix_invoice_coupon_used",
            "organization_id",
            "redemption_id",
            postgresql_where=text("use_number IS NOT NULL"),
        ),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    invoice_id: UUID = Field(primary_key=True)
    redemption_id: UUID = Field(primary_key=True)
    position: int
    coupon_id: UUID
    code: str = words()
    amount: Decimal = exact()
    use_limit: int
    use_number: int | None = None


class InvoiceCouponLine(SQLModel, table=True):
    """What a coupon takes off one line of an invoice."""

    __tablename__ = "invoice_coupon_line"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "invoice_id", "redemption_id"],
            [
                "invoice_coupon.organization_id",
                "invoice_coupon.invoice_id",
                "invoice_coupon.redemption_id",
            ],
            name="fk_invoice_coupon_line_coupon",
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["organization_id", "invoice_id", "line_position"],
            ["invoice_line.organization_id", "invoice_line.invoice_id", "invoice_line.position"],
            name="fk_invoice_coupon_line_line",
            ondelete="CASCADE",
        ),
        CheckConstraint("amount > 0", name="amount"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    invoice_id: UUID = Field(primary_key=True)
    redemption_id: UUID = Field(primary_key=True)
    line_position: int = Field(primary_key=True)
    amount: Decimal = exact()
