"""Grants: lots of credit, as they were granted."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from models.base import Tenant, exact, instant, reference, words


class CreditGrant(Tenant, table=True):
    """A lot of credit. Nothing of it changes: what happens to it is postings.

    ``cost_amount`` is the money paid for all of it. ``invoice_id`` is the invoice that sells it,
    and ``rolled_from`` the grant whose rest it is. A rule grants each ``occurrence`` once.
    """

    __tablename__ = "credit_grant"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "customer_id", "unit"],
            ["wallet.organization_id", "wallet.customer_id", "wallet.unit"],
            name="fk_credit_grant_wallet",
        ),
        reference("invoice_id", "invoice"),
        reference("rolled_from", "credit_grant"),
        reference("rule_id", "credit_grant_rule"),
        UniqueConstraint(
            "organization_id", "customer_id", "unit", "sequence", name="uq_credit_grant_sequence"
        ),
        UniqueConstraint(
            "organization_id", "id", "customer_id", "unit", "amount", name="uq_credit_grant_amount"
        ),
        UniqueConstraint("organization_id", "invoice_id", name="uq_credit_grant_invoice"),
        UniqueConstraint(
            "organization_id", "rule_id", "occurrence", name="uq_credit_grant_occurrence"
        ),
        CheckConstraint(
            "(rule_id IS NULL) = (occurrence IS NULL) AND occurrence >= 0", name="occurrence"
        ),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("sequence >= 1", name="sequence"),
        CheckConstraint("kind IN ('paid', 'free')", name="kind"),
        CheckConstraint("priority BETWEEN 0 AND 100", name="priority"),
        CheckConstraint("expires_at > effective_at", name="expires_at"),
        CheckConstraint("spendable IN ('on_payment', 'at_once')", name="spendable"),
        CheckConstraint(
            "CASE kind WHEN 'free' THEN cost_amount = 0 AND invoice_id IS NULL"
            " ELSE cost_amount >= 0 AND cost_currency IS NOT NULL END",
            name="cost",
        ),
        CheckConstraint("rollover IS NULL OR expires_at IS NOT NULL", name="rollover"),
        Index(
            "ix_credit_grant_rolled_from",
            "organization_id",
            "rolled_from",
            postgresql_where=text("rolled_from IS NOT NULL"),
        ),
        Index(
            "ix_credit_grant_expiring",
            "organization_id",
            "expires_at",
            postgresql_where=text("expires_at IS NOT NULL"),
        ),
    )

    customer_id: UUID
    unit: str = words()
    sequence: int
    amount: Decimal = exact()
    kind: str = words()
    priority: int
    effective_at: datetime = instant()
    expires_at: datetime | None = instant(nullable=True, default=None)
    meter_ids: list[UUID] = Field(
        default_factory=list, sa_column=Column(ARRAY(Uuid()), nullable=False, server_default="{}")
    )
    charge_ids: list[UUID] = Field(
        default_factory=list, sa_column=Column(ARRAY(Uuid()), nullable=False, server_default="{}")
    )
    cost_amount: Decimal = exact(default=Decimal(0))
    cost_currency: str | None = words(nullable=True, default=None)
    spendable: str = words()
    rollover: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True)
    )
    reason: str | None = words(nullable=True, default=None)
    invoice_id: UUID | None = None
    rolled_from: UUID | None = None
    rule_id: UUID | None = None
    occurrence: int | None = None
    created_at: datetime = instant()
