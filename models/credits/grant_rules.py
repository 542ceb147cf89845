"""Rules by which a customer is granted credit again and again."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, ForeignKeyConstraint, Index, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from models.base import Tenant, exact, instant, words


class CreditGrantRule(Tenant, table=True):
    """What is granted, and when again. Nothing changes but how far it has come, and its end.

    ``made`` is how many of its occurrences are behind it; the next begins at ``next_at``, null once
    there is none. ``timezone`` is the organization's of when it was made.
    """

    __tablename__ = "credit_grant_rule"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "customer_id", "unit"],
            ["wallet.organization_id", "wallet.customer_id", "wallet.unit"],
            name="fk_credit_grant_rule_wallet",
        ),
        CheckConstraint("amount > 0 AND made >= 0", name="amount"),
        CheckConstraint("kind IN ('paid', 'free')", name="kind"),
        CheckConstraint(
            "CASE kind WHEN 'free' THEN cost_amount = 0 AND cost_currency IS NULL"
            " ELSE cost_amount > 0 AND cost_currency IS NOT NULL END",
            name="cost",
        ),
        CheckConstraint("priority BETWEEN 0 AND 100", name="priority"),
        CheckConstraint("interval_count >= 1", name="interval"),
        CheckConstraint(
            "(expires_interval IS NULL) = (expires_count IS NULL) AND expires_count >= 1",
            name="expires_after",
        ),
        CheckConstraint("rollover IS NULL OR expires_count IS NOT NULL", name="rollover"),
        CheckConstraint("ended_at IS NULL OR next_at IS NULL", name="next_at"),
        CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="ended_because"),
        Index(
            "ix_credit_grant_rule_next",
            "organization_id",
            "customer_id",
            "unit",
            "next_at",
            postgresql_where=text("next_at IS NOT NULL"),
        ),
        Index("ix_credit_grant_rule_listed", "organization_id", "customer_id", "created_at", "id"),
    )

    customer_id: UUID
    unit: str = words()
    amount: Decimal = exact()
    kind: str = words()
    cost_amount: Decimal = exact(default=Decimal(0))
    cost_currency: str | None = words(nullable=True, default=None)
    priority: int
    meter_ids: list[UUID] = Field(
        default_factory=list, sa_column=Column(ARRAY(Uuid()), nullable=False, server_default="{}")
    )
    charge_ids: list[UUID] = Field(
        default_factory=list, sa_column=Column(ARRAY(Uuid()), nullable=False, server_default="{}")
    )
    interval: str = words()
    interval_count: int
    anchor: datetime = instant()
    timezone: str = words()
    expires_interval: str | None = words(nullable=True, default=None)
    expires_count: int | None = None
    rollover: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True)
    )
    ends_at: datetime | None = instant(nullable=True, default=None)
    reason: str | None = words(nullable=True, default=None)
    made: int = 0
    next_at: datetime | None = instant(nullable=True, default=None)
    ended_at: datetime | None = instant(nullable=True, default=None)
    ended_because: str | None = words(nullable=True, default=None)
    created_at: datetime = instant()
