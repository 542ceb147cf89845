"""Customers: who is billed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, false, text
from sqlmodel import Field

from models.base import Tenant, instant, reference, words


class Customer(Tenant, table=True):
    """Who is billed. Deleting only hides the row, so that issued invoices keep their customer."""

    __tablename__ = "customer"
    __table_args__ = (
        reference("test_clock_id", "test_clock"),
        CheckConstraint("billing_address_country ~ '^[A-Z]{2}$'", name="billing_address_country"),
        CheckConstraint("language IN ('en', 'de', 'fr', 'es', 'ja')", name="language"),
        Index(
            "uq_customer_external_id",
            "organization_id",
            "external_id",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_customer_created", "organization_id", "created_at", "id"),
        Index("ix_customer_test_clock", "organization_id", "test_clock_id"),
    )

    name: str = words()
    email: str | None = words(nullable=True, default=None)
    external_id: str | None = words(nullable=True, default=None)
    phone: str | None = words(nullable=True, default=None)
    billing_address_line1: str | None = words(nullable=True, default=None)
    billing_address_city: str | None = words(nullable=True, default=None)
    billing_address_state: str | None = words(nullable=True, default=None)
    billing_address_postal_code: str | None = words(nullable=True, default=None)
    billing_address_country: str | None = words(nullable=True, default=None)
    tax_id: str | None = words(nullable=True, default=None)
    language: str | None = words(nullable=True, default=None)
    """What the customer's documents are written in; None is the organization's."""
    buyer_reference: str | None = words(nullable=True, default=None)
    """What the customer wants to read on its documents, such as a purchase order."""
    test_clock_id: UUID | None = None
    auto_created: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Usage under an unknown ``external_id`` created it, and nobody else."""
    created_at: datetime = instant()
    updated_at: datetime = instant()
    deleted_at: datetime | None = instant(nullable=True, default=None)
