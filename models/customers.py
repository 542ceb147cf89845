"""Customers: who is billed."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, Text, false, text
from sqlmodel import Field, SQLModel

from models.base import Tenant, instant, reference, words


class Customer(Tenant, table=True):
    """Who is billed. Deleting only hides the row, so that issued invoices keep their customer."""

    __tablename__ = "customer"
    __table_args__ = (
        reference("test_clock_id", "test_clock"),
        CheckConstraint("billing_address_country ~ '^[A-Z]{2}$'", name="billing_address_country"),
        CheckConstraint("erased_at IS NULL OR deleted_at IS NOT NULL", name="erased_at"),
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
    has_cap: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether an alert of theirs ends access as it is reached."""
    created_at: datetime = instant()
    updated_at: datetime = instant()
    deleted_at: datetime | None = instant(nullable=True, default=None)
    erased_at: datetime | None = instant(nullable=True, default=None)
    """When somebody asked to erase it: since then nothing here names anybody."""


class CustomerErasure(SQLModel, table=True):
    """That a customer was erased, and how far what takes long has come.

    Their events lose what they were sent with in the order of meter, timestamp and id, up to
    ``after_…``. Issued documents name their buyer up to ``documents_kept_until``, None where there
    are none.
    """

    __tablename__ = "customer_erasure"
    __table_args__ = (
        reference("customer_id", "customer"),
        CheckConstraint(
            "num_nulls(after_meter_id, after_timestamp, after_event_id) IN (0, 3)", name="after"
        ),
        CheckConstraint("completed_at IS NULL OR names IS NULL", name="names"),
        CheckConstraint("completed_at <= checked_at", name="checked_at"),
        CheckConstraint("checked_at IS NULL OR completed_at IS NOT NULL", name="completed_at"),
        CheckConstraint(
            "documents_erased_at IS NULL OR documents_kept_until <= documents_erased_at",
            name="documents_erased_at",
        ),
        Index(
            "ix_customer_erasure_unfinished",
            "organization_id",
            "requested_at",
            postgresql_where=text("checked_at IS NULL"),
        ),
        Index(
            "ix_customer_erasure_documents",
            "organization_id",
            "documents_kept_until",
            postgresql_where=text("documents_erased_at IS NULL"),
        ),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    customer_id: UUID = Field(primary_key=True)
    requested_by: str = words()
    """Who asked, as the audit log names them."""
    requested_at: datetime = instant()
    names: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text), nullable=True))
    """What is looked for where rows do not say whose they are, until that is done."""
    after_meter_id: UUID | None = None
    after_timestamp: datetime | None = instant(nullable=True, default=None)
    after_event_id: UUID | None = None
    completed_at: datetime | None = instant(nullable=True, default=None)
    checked_at: datetime | None = instant(nullable=True, default=None)
    """When it was done once more, for events that were on their way when it was asked for."""
    documents_kept_until: datetime | None = instant(nullable=True, default=None)
    documents_erased_at: datetime | None = instant(nullable=True, default=None)
