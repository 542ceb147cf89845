"""Invoices with their lines and taxes, the evidence behind them, and their numbers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.base import Tenant, document, exact, instant, reference, words

IN_GRACE: Final = "status = 'DRAFT' AND scheduled_finalize_at IS NOT NULL"


def _some(name: str, *columns: str, where: str, beside: tuple[str, ...] = ()) -> Index:
    """An index of an organization's invoices of which this is true, with what stands beside it."""
    more: dict[str, Any] = {"postgresql_where": text(where), "postgresql_include": beside}
    return Index(name, "organization_id", *columns, **more)


class Invoice(Tenant, table=True):
    """What a customer owes for one period, or for what somebody wrote by hand.

    Amounts are exact decimals in major units of ``currency``, already rounded per line.
    """

    __tablename__ = "invoice"
    __table_args__ = (
        reference("customer_id", "customer"),
        reference("subscription_id", "subscription"),
        reference("reissue_of", "invoice"),
        Index(
            "uq_invoice_period",
            "organization_id",
            "subscription_id",
            "period_index",
            "kind",
            unique=True,
            postgresql_where=text("status <> 'VOID' AND kind <> 'threshold'"),
        ),
        # Each step of a period is billed once; a void one is no step again.
        Index(
            "uq_invoice_threshold",
            "organization_id",
            "subscription_id",
            "period_index",
            "revision",
            unique=True,
            postgresql_where=text("kind = 'threshold'"),
        ),
        Index("ix_invoice_period", "organization_id", "subscription_id", "period_index"),
        UniqueConstraint("organization_id", "reissue_of", name="uq_invoice_reissue"),
        UniqueConstraint("organization_id", "invoice_number", name="uq_invoice_number"),
        CheckConstraint(
            "status IN ('DRAFT', 'OPEN', 'PAID', 'VOID', 'UNCOLLECTIBLE')",
            name="status",
        ),
        CheckConstraint(
            "kind IN ('period', 'threshold', 'manual', 'late_usage', 'purchase')", name="kind"
        ),
        CheckConstraint(
            "(kind = 'threshold') = (revision < 0) AND (kind <> 'threshold' OR"
            " (subscription_id IS NOT NULL AND period_index IS NOT NULL))",
            name="threshold",
        ),
        CheckConstraint(
            "total = subtotal - coupons_total - credits_before_tax + tax", name="total"
        ),
        CheckConstraint(
            "amount_due >= 0 AND amount_paid >= 0 AND carried_credit >= 0 AND granted_credit >= 0"
            " AND credits_before_tax >= 0 AND credits_after_tax >= 0 AND coupons_total >= 0",
            name="amounts",
        ),
        CheckConstraint("status = 'DRAFT' OR invoice_number IS NOT NULL", name="final_has_number"),
        CheckConstraint("(status = 'PAID') = (paid_at IS NOT NULL)", name="paid_at"),
        CheckConstraint("status <> 'VOID' OR amount_due = 0", name="void_is_due_nothing"),
        CheckConstraint(
            "amount_credited >= 0 AND amount_refunded >= 0 AND amount_refunded <= amount_paid"
            " AND (status IN ('DRAFT', 'VOID')"
            " OR amount_due = total - credits_after_tax - amount_credited - amount_paid"
            " + amount_refunded)",
            name="due",
        ),
        Index("ix_invoice_created", "organization_id", "created_at", "id"),
        Index("ix_invoice_status", "organization_id", "status", "created_at", "id"),
        _some("ix_invoice_scheduled", "scheduled_finalize_at", where=IN_GRACE),
        _some("ix_invoice_finalized", "finalized_at", where="finalized_at IS NOT NULL"),
        Index(
            "ix_invoice_begins",
            "organization_id",
            "invoice_number",
            postgresql_ops={"invoice_number": "text_pattern_ops"},
        ),
        # What a month came to is summed from it alone.
        _some(
            "ix_invoice_issued",
            "issue_date",
            where="status <> 'DRAFT'",
            beside=("status", "currency", "total"),
        ),
        _some("ix_invoice_voided", "voided_at", where="voided_at IS NOT NULL"),
        _some(
            "ix_invoice_due", "customer_id", where="status IN ('OPEN', 'PAID') AND amount_due > 0"
        ),
        Index("ix_invoice_customer", "organization_id", "customer_id", "created_at"),
        _some("ix_invoice_in_grace", "subscription_id", "scheduled_finalize_at", where=IN_GRACE),
        _some(
            "ix_invoice_unpaid",
            "subscription_id",
            "due_date",
            where="status = 'OPEN' AND past_due_at IS NULL",
        ),
        _some("ix_invoice_waiting", "subscription_id", where="status IN ('DRAFT', 'OPEN')"),
    )

    invoice_number: str | None = words(nullable=True, default=None)
    customer_id: UUID
    subscription_id: UUID | None = None
    period_index: int | None = None
    kind: str = words()
    revision: int = 1
    """Which of the bills of its period it shows; below zero the step of a threshold invoice."""
    plan_version: int | None = None
    is_edited: bool = False
    status: str = words()
    currency: str = words()
    subtotal: Decimal = exact()
    tax: Decimal = exact()
    total: Decimal = exact()
    amount_due: Decimal = exact()
    amount_paid: Decimal = exact()
    amount_credited: Decimal = exact(default=Decimal(0), server_default="0")
    """What credit notes gave back of it that would have been due, or was refunded."""
    amount_refunded: Decimal = exact(default=Decimal(0), server_default="0")
    payment_link: str | None = words(nullable=True, default=None)
    """Where it can be paid; None without a gateway, and once nothing is due."""
    carried_credit: Decimal = exact(default=Decimal(0))
    """What a bill below zero leaves on the customer's account (CONTRACT 48, 81)."""
    granted_credit: Decimal = exact(default=Decimal(0))
    """What the bill takes of the customer's account; a draft only shows it (CONTRACT 81)."""
    coupons_total: Decimal = exact(default=Decimal(0), server_default="0")
    """What coupons take off its lines: it is neither in the tax nor in the total."""
    credits_before_tax: Decimal = exact(default=Decimal(0), server_default="0")
    """What prepaid credit pays of its net amount: it is neither in the tax nor in the total."""
    credits_after_tax: Decimal = exact(default=Decimal(0), server_default="0")
    """What prepaid credit pays of its total, tax included."""
    draws_units: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether credit in own units pays of its lines, which is no money."""
    has_true_ups: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether commitments add lines to it."""
    reissue_of: UUID | None = None
    tax_status: str = words()
    timezone: str = words()
    period_start: datetime | None = instant(nullable=True, default=None)
    period_end: datetime | None = instant(nullable=True, default=None)
    issue_date: datetime = instant()
    due_date: datetime = instant()
    scheduled_finalize_at: datetime | None = instant(nullable=True, default=None)
    finalized_at: datetime | None = instant(nullable=True, default=None)
    past_due_at: datetime | None = instant(nullable=True, default=None)
    paid_at: datetime | None = instant(nullable=True, default=None)
    voided_at: datetime | None = instant(nullable=True, default=None)
    meta_data: dict[str, Any] = document(default_factory=dict)
    einvoice: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True)
    )
    """Which rules of EN 16931 it broke when it became final; None where nobody looked."""
    created_at: datetime = instant()

    @property
    def payable(self) -> Decimal:
        """What of it is to be paid by money, before any was: its total less paid credit."""
        return self.total - self.credits_after_tax

    @property
    def credits_total(self) -> Decimal:
        """What prepaid credit pays of it in all."""
        return self.credits_before_tax + self.credits_after_tax

    @property
    def is_drawn(self) -> bool:
        """Whether prepaid credit pays anything of it, in the currency or in own units."""
        return self.draws_units or self.credits_total > 0


class InvoiceLine(Tenant, table=True):
    """One line: what was measured, taken off and billed, before and after rounding."""

    __tablename__ = "invoice_line"
    __table_args__ = (
        reference("invoice_id", "invoice", ondelete="CASCADE"),
        UniqueConstraint(
            "organization_id", "invoice_id", "position", name="uq_invoice_line_position"
        ),
        CheckConstraint(
            "type IN ('usage', 'fixed', 'proration', 'late_usage', 'invoiced_before', 'credit',"
            " 'adjustment', 'true_up')",
            name="type",
        ),
    )

    invoice_id: UUID
    position: int
    type: str = words()
    description: str = words()
    quantity: Decimal = exact()
    unit_amount: Decimal | None = exact(nullable=True, default=None)
    line_total: Decimal = exact()
    exact_amount: Decimal = exact()
    amount_in_unit: Decimal | None = exact(nullable=True, default=None)
    """What it comes to in the own unit that it is priced in, rounded; None of a line of money."""
    charge_id: UUID | None = None
    meter_id: UUID | None = None
    usage_quantity: Decimal | None = exact(nullable=True, default=None)
    included_quantity: Decimal | None = exact(nullable=True, default=None)
    limit_exceeded: bool = False
    period_start: datetime | None = instant(nullable=True, default=None)
    period_end: datetime | None = instant(nullable=True, default=None)
    calculation: dict[str, Any] = document()
    """The whole priced line as a canonical document: tiers, steps and every number in between."""


class InvoiceTax(Tenant, table=True):
    """One tax rate applied to the sum of an invoice's lines, rounded once."""

    __tablename__ = "invoice_tax"
    __table_args__ = (reference("invoice_id", "invoice", ondelete="CASCADE"),)

    invoice_id: UUID
    position: int
    tax_rate_id: UUID
    name: str = words()
    percentage: Decimal = exact()
    is_inclusive: bool = False
    taxable_amount: Decimal = exact()
    amount: Decimal = exact()
    category: str | None = words(nullable=True, default=None)
    exemption_reason: str | None = words(nullable=True, default=None)


class BillingRun(SQLModel, table=True):
    """What one step of a bill handed to the next. Append-only: the evidence behind the invoice."""

    __tablename__ = "billing_run"
    __table_args__ = (
        reference("subscription_id", "subscription"),
        CheckConstraint("step IN ('usage', 'quantities', 'priced_lines', 'evidence')", name="step"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    subscription_id: UUID = Field(primary_key=True)
    period_index: int = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    step: str = Field(primary_key=True, sa_type=Text)
    content: Any = document()
    digest: str = words()
    created_at: datetime = instant()


class InvoiceParties(SQLModel, table=True):
    """Whom an issued invoice names, as they were then; never changed. Source: CONTRACT 4.8."""

    __tablename__ = "invoice_parties"
    __table_args__ = (reference("invoice_id", "invoice"),)

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    invoice_id: UUID = Field(primary_key=True)
    parties: Any = document()


class InvoiceReceipt(SQLModel, table=True):
    """What a generated invoice was computed from, so that it can be computed again years later."""

    __tablename__ = "invoice_receipt"
    __table_args__ = (reference("invoice_id", "invoice", ondelete="CASCADE"),)

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    invoice_id: UUID = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    engine_version: str = words()
    plan_version: int
    period_start: datetime = instant()
    period_end: datetime = instant()
    watermark: int = Field(sa_type=BigInteger)
    inputs_digest: str = words()
    lines_digest: str = words()
    created_at: datetime = instant()
