"""Organizations: whose data everything is, and how they bill."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Integer,
    Text,
    UniqueConstraint,
    false,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from billing.invoicing.kinds import DocumentLanguage, LateUsage, NumberAt
from billing.payments.dunning import REMINDER_DAYS, Dunning
from billing.rating.proration import ProrationBasis
from billing.rating.terms import Effective
from models.base import document, instant, new_id, words


class Organization(SQLModel, table=True):
    """One tenant with its billing settings (CONTRACT section 6)."""

    __tablename__ = "organization"
    __table_args__ = (
        CheckConstraint("payment_terms_days BETWEEN 0 AND 3650", name="payment_terms_days"),
        CheckConstraint("grace_period_minutes BETWEEN 0 AND 525600", name="grace_period_minutes"),
        CheckConstraint("proration IN ('day', 'second')", name="proration"),
        CheckConstraint(
            "late_usage IN ('next_invoice', 'credit_note_or_invoice', 'ignore')",
            name="late_usage",
        ),
        CheckConstraint("number_at IN ('draft', 'finalization')", name="number_at"),
        CheckConstraint(
            "document_language IN ('en', 'de', 'fr', 'es', 'ja')", name="document_language"
        ),
        CheckConstraint("plan_edits IN ('next_period', 'running_period')", name="plan_edits"),
        CheckConstraint("surplus_payments IN ('credit', 'refund')", name="surplus_payments"),
        CheckConstraint("smtp_port BETWEEN 1 AND 65535", name="smtp_port"),
        CheckConstraint(
            "jsonb_array_length(dunning -> 'retry_days') <= 20"
            " AND dunning ->> 'then' IN ('none', 'pause', 'cancel', 'uncollectible')",
            name="dunning",
        ),
        CheckConstraint("cardinality(reminder_days) <= 20", name="reminder_days"),
        CheckConstraint("sandbox_id IS NULL OR sandbox_of IS NULL", name="sandbox"),
        CheckConstraint(
            "sandbox_of IS NULL OR NOT require_second_factor", name="require_second_factor"
        ),
        UniqueConstraint("sandbox_of", name="uq_organization_sandbox_of"),
        UniqueConstraint("id", "sandbox_of", name="uq_organization_id_sandbox_of"),
        ForeignKeyConstraint(
            ["sandbox_of"], ["organization.id"], name="fk_organization_sandbox_of"
        ),
        # Whose sandbox it is says the same from both sides.
        ForeignKeyConstraint(
            ["sandbox_id", "id"],
            ["organization.id", "organization.sandbox_of"],
            name="fk_organization_sandbox_id",
        ),
        CheckConstraint("array_to_string(embed_hosts, '') !~ '[^a-z0-9.:*-]'", name="embed_hosts"),
    )

    id: UUID = Field(default_factory=new_id, primary_key=True)
    name: str = words()
    slug: str = words()
    legal_name: str | None = words(nullable=True, default=None)
    tax_id: str | None = words(nullable=True, default=None)
    registration_number: str | None = words(nullable=True, default=None)
    contact_name: str | None = words(nullable=True, default=None)
    contact_phone: str | None = words(nullable=True, default=None)
    contact_email: str | None = words(nullable=True, default=None)
    logo: str | None = words(nullable=True, default=None)
    """A data URI of a PNG or SVG picture, checked before it is stored."""
    document_language: str = words(default=DocumentLanguage.ENGLISH)
    timezone: str = words(default="UTC")
    currency: str = words(default="USD")
    billing_address_line1: str | None = words(nullable=True, default=None)
    billing_address_city: str | None = words(nullable=True, default=None)
    billing_address_state: str | None = words(nullable=True, default=None)
    billing_address_postal_code: str | None = words(nullable=True, default=None)
    billing_address_country: str | None = words(nullable=True, default=None)
    payment_terms_days: int = 30
    grace_period_minutes: int = 60
    proration: str = words(default=ProrationBasis.DAY)
    late_usage: str = words(default=LateUsage.NEXT_INVOICE)
    number_at: str = words(default=NumberAt.DRAFT)
    plan_edits: str = words(default=Effective.NEXT_PERIOD)
    auto_create_customers: bool = True
    auto_email: bool = True
    bank_details: dict[str, Any] = document(default_factory=dict)
    smtp_host: str | None = words(nullable=True, default=None)
    smtp_port: int = Field(default=587, sa_column_kwargs={"server_default": "587"})
    smtp_username: str | None = words(nullable=True, default=None)
    sealed_smtp_password: str | None = words(nullable=True, default=None)
    smtp_use_tls: bool = Field(default=True, sa_column_kwargs={"server_default": true()})
    smtp_from_email: str | None = words(nullable=True, default=None)
    smtp_from_name: str | None = words(nullable=True, default=None)
    smtp_reply_to: str | None = words(nullable=True, default=None)
    embed_hosts: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, server_default="{}")
    )
    """The hosts whose pages may frame the portal; nobody's if there are none."""
    surplus_payments: str = Field(
        default="credit", sa_column=Column(Text, nullable=False, server_default="credit")
    )
    """What becomes of what gateways take beyond what is due: the customer's credit, or a refund."""
    dunning: dict[str, Any] = Field(
        default_factory=Dunning().to_document,
        sa_column=Column(JSONB, nullable=False, server_default=json.dumps(Dunning().to_document())),
    )
    reminder_days: list[int] = Field(
        default_factory=lambda: list(REMINDER_DAYS),
        sa_column=Column(ARRAY(Integer), nullable=False, server_default="{-3,1,7}"),
    )
    require_second_factor: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    """Whether its members reach nothing but their own account until they have an authenticator."""
    sandbox_id: UUID | None = None
    """The twin in which it tries things (CONTRACT 102)."""
    sandbox_of: UUID | None = None
    """Whose twin it is."""
    created_at: datetime = instant()


class OrganizationDirectory(SQLModel, table=True):
    """The ids of all organizations and nothing else, for relays that walk through them."""

    __tablename__ = "organization_directory"

    id: UUID = Field(primary_key=True, foreign_key="organization.id")
