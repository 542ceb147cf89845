"""Payments, the names that gateways have for them, and refunds."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from models.base import Tenant, exact, instant, reference, words


class Payment(Tenant, table=True):
    """One attempt to pay an invoice, stored before anybody outside is asked.

    ``applied_amount`` is what the invoice has of it now, ``refunded_amount`` what went back or is
    on its way; the rest of a success is, or was, the customer's credit. ``excess_amount`` went back
    beyond all of it: refunded, and called back by a bank as well. ``asked_at`` is when a gateway
    was last about to be asked to charge a saved method; without it none ever was.
    """

    __tablename__ = "payment"
    __table_args__ = (
        reference("invoice_id", "invoice"),
        reference("customer_id", "customer"),
        reference("connection_id", "connection"),
        UniqueConstraint("organization_id", "invoice_id", "attempt", name="uq_payment_attempt"),
        UniqueConstraint("organization_id", "idempotency_key", name="uq_payment_key"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("attempt >= 1", name="attempt"),
        CheckConstraint("asked_at IS NULL OR kind = 'saved_method'", name="asked_at"),
        CheckConstraint("kind IN ('manual', 'link', 'saved_method')", name="kind"),
        CheckConstraint("(kind = 'manual') = (connection_id IS NULL)", name="connection"),
        CheckConstraint("status IN ('pending', 'succeeded', 'failed')", name="status"),
        CheckConstraint("(status = 'pending') = (settled_at IS NULL)", name="settled_at"),
        CheckConstraint(
            "applied_amount >= 0 AND refunded_amount >= 0"
            " AND applied_amount + refunded_amount <= amount",
            name="applied",
        ),
        CheckConstraint(
            "status = 'succeeded' OR applied_amount + refunded_amount + excess_amount = 0",
            name="moves_nothing",
        ),
        CheckConstraint("excess_amount >= 0", name="excess_amount"),
        Index(
            "uq_payment_in_flight",
            "organization_id",
            "invoice_id",
            unique=True,
            postgresql_where=text("status = 'pending' AND kind = 'saved_method'"),
        ),
        Index("ix_payment_customer", "organization_id", "customer_id", "created_at"),
        Index(
            "ix_payment_failed",
            "organization_id",
            "at",
            postgresql_where=text("status = 'failed'"),
        ),
        Index("ix_payment_listed", "organization_id", "created_at", "id"),
        Index(
            "ix_payment_begins",
            "organization_id",
            "reference",
            postgresql_ops={"reference": "text_pattern_ops"},
            postgresql_where=text("reference IS NOT NULL"),
        ),
        Index(
            "ix_payment_succeeded",
            "organization_id",
            "at",
            postgresql_where=text("status = 'succeeded'"),
            # What a month came to is summed from it alone.
            postgresql_include=["currency", "amount"],
        ),
        Index("ix_payment_status", "organization_id", "status", "created_at", "id"),
    )

    invoice_id: UUID
    customer_id: UUID
    connection_id: UUID | None = None
    attempt: int
    kind: str = words()
    method: str | None = words(nullable=True, default=None)
    reference: str | None = words(nullable=True, default=None)
    amount: Decimal = exact()
    currency: str = words()
    status: str = words()
    idempotency_key: str = words()
    error_code: str | None = words(nullable=True, default=None)
    error: str | None = words(nullable=True, default=None)
    is_declined_for_good: bool = False
    applied_amount: Decimal = exact(default=Decimal(0))
    refunded_amount: Decimal = exact(default=Decimal(0))
    excess_amount: Decimal = exact(server_default="0", default=Decimal(0))
    at: datetime = instant()
    asked_at: datetime | None = instant(nullable=True, default=None)
    settled_at: datetime | None = instant(nullable=True, default=None)
    created_at: datetime = instant()


class PaymentReference(SQLModel, table=True):
    """A name that a gateway has for a payment: what comes in under it is that payment again."""

    __tablename__ = "payment_reference"
    __table_args__ = (
        reference("connection_id", "connection"),
        reference("payment_id", "payment"),
        Index("ix_payment_reference_payment", "organization_id", "payment_id"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    connection_id: UUID = Field(primary_key=True)
    reference: str = Field(primary_key=True, sa_type=Text)
    payment_id: UUID


class Refund(Tenant, table=True):
    """Money of a payment that went back, stored before the gateway is asked.

    ``from_invoice`` of it had paid the invoice, ``from_credit`` was the customer's credit,
    ``owed_amount`` had been credit that later invoices took, or, ``excess_amount`` of it, was more
    than was left of the payment. ``against_notes`` says how much of the first credit notes had
    given back already: the rest is due again. ``turn`` counts how often it was taken off the
    payment: once, unless its gateway told of another end later.
    """

    __tablename__ = "refund"
    __table_args__ = (
        reference("payment_id", "payment"),
        UniqueConstraint("organization_id", "payment_id", "sequence", name="uq_refund_sequence"),
        UniqueConstraint("organization_id", "idempotency_key", name="uq_refund_key"),
        UniqueConstraint("organization_id", "payment_id", "reference", name="uq_refund_reference"),
        Index(
            "ix_refund_succeeded",
            "organization_id",
            "settled_at",
            postgresql_where=text("status = 'succeeded'"),
        ),
        CheckConstraint(
            "amount > 0 AND from_invoice >= 0 AND from_credit >= 0 AND owed_amount >= 0"
            " AND amount = from_invoice + from_credit + owed_amount",
            name="amount",
        ),
        CheckConstraint("against_notes BETWEEN 0 AND from_invoice", name="against_notes"),
        CheckConstraint("excess_amount BETWEEN 0 AND owed_amount", name="excess_amount"),
        CheckConstraint("turn >= 1", name="turn"),
        CheckConstraint("kind IN ('refund', 'dispute')", name="kind"),
        CheckConstraint("status IN ('pending', 'succeeded', 'failed')", name="status"),
        CheckConstraint("(status = 'pending') = (settled_at IS NULL)", name="settled_at"),
    )

    payment_id: UUID
    sequence: int
    kind: str = words()
    reference: str | None = words(nullable=True, default=None)
    amount: Decimal = exact()
    from_invoice: Decimal = exact()
    from_credit: Decimal = exact()
    against_notes: Decimal = exact()
    owed_amount: Decimal = exact(server_default="0", default=Decimal(0))
    excess_amount: Decimal = exact(server_default="0", default=Decimal(0))
    status: str = words()
    turn: int = Field(default=1, sa_column_kwargs={"server_default": "1"})
    idempotency_key: str = words()
    reason: str | None = words(nullable=True, default=None)
    error: str | None = words(nullable=True, default=None)
    at: datetime = instant()
    settled_at: datetime | None = instant(nullable=True, default=None)
    changed_at: datetime | None = instant(nullable=True, default=None)
    """When its end was recorded, by the wall clock: what was looked up before is no news."""
    created_at: datetime = instant()
