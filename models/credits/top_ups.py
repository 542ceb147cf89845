"""Rules that buy credit by themselves, and every try that they made."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text

from models.base import Tenant, exact, instant, reference, words


class CreditTopUpRule(Tenant, table=True):
    """When a customer's credit is topped up. Nothing changes but whether it is switched on.

    ``tries`` counts what it tried: the next try has the number behind it. ``disabled_because`` says
    whether a person switched it off, or declines did.
    """

    __tablename__ = "credit_top_up_rule"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "customer_id", "unit"],
            ["wallet.organization_id", "wallet.customer_id", "wallet.unit"],
            name="fk_credit_top_up_rule_wallet",
        ),
        Index(
            "uq_credit_top_up_rule_enabled",
            "organization_id",
            "customer_id",
            "unit",
            unique=True,
            postgresql_where=text("enabled"),
        ),
        CheckConstraint("threshold >= 0 AND step > 0 AND target >= threshold", name="amounts"),
        CheckConstraint(
            "max_count_day > 0 AND max_count_month > 0"
            " AND max_amount_day >= step AND max_amount_month >= step",
            name="caps",
        ),
        CheckConstraint(
            "(price_amount IS NULL) = (price_currency IS NULL) AND price_amount > 0", name="price"
        ),
        CheckConstraint("tries >= 0", name="tries"),
        CheckConstraint(
            "enabled = (disabled_at IS NULL)"
            " AND (disabled_at IS NULL) = (disabled_because IS NULL)"
            " AND disabled_because IN ('person', 'declined')",
            name="enabled",
        ),
    )

    customer_id: UUID
    unit: str = words()
    threshold: Decimal = exact()
    step: Decimal = exact()
    target: Decimal | None = exact(nullable=True, default=None)
    max_count_day: int
    max_count_month: int
    max_amount_day: Decimal = exact()
    max_amount_month: Decimal = exact()
    price_amount: Decimal | None = exact(nullable=True, default=None)
    price_currency: str | None = words(nullable=True, default=None)
    tries: int = 0
    enabled: bool = True
    enabled_by: str = words()
    enabled_at: datetime = instant()
    enabled_from: str | None = words(nullable=True, default=None)
    disabled_at: datetime | None = instant(nullable=True, default=None)
    disabled_because: str | None = words(nullable=True, default=None)
    created_at: datetime = instant()


class CreditTopUp(Tenant, table=True):
    """One try of a rule: the purchase that it made, and what became of it.

    A wallet has at most one that is open, whatever rules there are.
    """

    __tablename__ = "credit_top_up"
    __table_args__ = (
        reference("rule_id", "credit_top_up_rule"),
        reference("grant_id", "credit_grant"),
        reference("invoice_id", "invoice"),
        UniqueConstraint("organization_id", "rule_id", "number", name="uq_credit_top_up_number"),
        UniqueConstraint("organization_id", "invoice_id", name="uq_credit_top_up_invoice"),
        Index(
            "uq_credit_top_up_open",
            "organization_id",
            "customer_id",
            "unit",
            unique=True,
            postgresql_where=text("status = 'open'"),
        ),
        Index("ix_credit_top_up_at", "organization_id", "customer_id", "at"),
        CheckConstraint("amount > 0 AND number >= 1", name="amount"),
        CheckConstraint("status IN ('open', 'succeeded', 'failed')", name="status"),
        CheckConstraint("(status = 'open') = (settled_at IS NULL)", name="settled_at"),
    )

    rule_id: UUID
    number: int
    customer_id: UUID
    unit: str = words()
    amount: Decimal = exact()
    status: str = words()
    at: datetime = instant()
    settled_at: datetime | None = instant(nullable=True, default=None)
    grant_id: UUID
    invoice_id: UUID
    created_at: datetime = instant()
