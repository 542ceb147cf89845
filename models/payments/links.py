"""Pages of gateways on which invoices can be paid, and methods that customers saved there."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text

from models.base import Tenant, exact, instant, reference, words


class PaymentLink(Tenant, table=True):
    """A page on which one invoice can be paid, stored before the gateway is asked for it.

    An invoice has one at most that is not closed.
    """

    __tablename__ = "payment_link"
    __table_args__ = (
        reference("invoice_id", "invoice"),
        reference("connection_id", "connection"),
        UniqueConstraint(
            "organization_id", "invoice_id", "sequence", name="uq_payment_link_sequence"
        ),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("sequence >= 1", name="sequence"),
        CheckConstraint("status IN ('making', 'open', 'closed')", name="status"),
        CheckConstraint(
            "status <> 'open' OR (reference IS NOT NULL AND url IS NOT NULL)", name="open"
        ),
        CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed_at"),
        Index(
            "uq_payment_link_live",
            "organization_id",
            "invoice_id",
            unique=True,
            postgresql_where=text("status <> 'closed'"),
        ),
    )

    invoice_id: UUID
    connection_id: UUID
    sequence: int
    amount: Decimal = exact()
    currency: str = words()
    reference: str | None = words(nullable=True, default=None)
    url: str | None = words(nullable=True, default=None)
    expires_at: datetime | None = instant(nullable=True, default=None)
    status: str = words()
    created_at: datetime = instant()
    closed_at: datetime | None = instant(nullable=True, default=None)


class PaymentMethod(Tenant, table=True):
    """What a customer's later invoices can be charged to: the last that they saved at a gateway."""

    __tablename__ = "payment_method"
    __table_args__ = (
        reference("customer_id", "customer"),
        reference("connection_id", "connection"),
        UniqueConstraint(
            "organization_id", "customer_id", "connection_id", name="uq_payment_method_customer"
        ),
    )

    customer_id: UUID
    connection_id: UUID
    customer_reference: str = words()
    method_reference: str = words()
    label: str = words()
    is_usable: bool = True
    """Whether it was not declined for good since it was saved."""
    created_at: datetime = instant()
    updated_at: datetime = instant()
