"""Coupons, and that customers have redeemed them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
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
from sqlmodel import Field

from models.base import Tenant, exact, instant, reference, words


class Coupon(Tenant, table=True):
    """What is taken off bills of those who redeem it. Only its end is written later.

    ``redemption_limit`` and ``use_limit`` are 2147483647 where there is none.
    """

    __tablename__ = "coupon"
    __table_args__ = (
        UniqueConstraint("organization_id", "code", name="uq_coupon_code"),
        UniqueConstraint(
            "organization_id", "id", "redemption_limit", "use_limit", name="uq_coupon_limits"
        ),
        CheckConstraint("code ~ '^[A-Z0-9][A-Z0-9_-]{0,63}$'", name="code"),
        CheckConstraint("num_nonnulls(percent, amount) = 1", name="value"),
        CheckConstraint("percent > 0 AND percent <= 100", name="percent"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("(amount IS NULL) = (currency IS NULL)", name="currency"),
        CheckConstraint("scope IN ('lines', 'plan', 'invoice')", name="scope"),
        CheckConstraint("(scope = 'plan') = (cardinality(plan_ids) > 0)", name="plan_ids"),
        CheckConstraint("(scope = 'lines') = (cardinality(charge_ids) > 0)", name="charge_ids"),
        CheckConstraint("use_limit >= 1 AND redemption_limit >= 1", name="limits"),
        Index("ix_coupon_created", "organization_id", "created_at", "id"),
    )

    code: str = words()
    percent: Decimal | None = exact(nullable=True, default=None)
    amount: Decimal | None = exact(nullable=True, default=None)
    currency: str | None = words(nullable=True, default=None)
    scope: str = words()
    plan_ids: list[UUID] = Field(
        default_factory=list, sa_column=Column(ARRAY(Uuid()), nullable=False, server_default="{}")
    )
    charge_ids: list[UUID] = Field(
        default_factory=list, sa_column=Column(ARRAY(Uuid()), nullable=False, server_default="{}")
    )
    use_limit: int
    redemption_limit: int
    expires_at: datetime | None = instant(nullable=True, default=None)
    withdrawn_at: datetime | None = instant(nullable=True, default=None)
    created_at: datetime = instant()


class CouponRedemption(Tenant, table=True):
    """That a customer has a coupon: its ``number``-th redemption, counted under its limit.

    The limits are the coupon's, so that the database compares with them.
    """

    __tablename__ = "coupon_redemption"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "coupon_id", "redemption_limit", "use_limit"],
            ["coupon.organization_id", "coupon.id", "coupon.redemption_limit", "coupon.use_limit"],
            name="fk_coupon_redemption_coupon",
        ),
        reference("customer_id", "customer"),
        UniqueConstraint(
            "organization_id", "coupon_id", "number", name="uq_coupon_redemption_number"
        ),
        UniqueConstraint(
            "organization_id", "customer_id", "coupon_id", name="uq_coupon_redemption_customer"
        ),
        UniqueConstraint("organization_id", "id", "use_limit", name="uq_coupon_redemption_limit"),
        CheckConstraint("number BETWEEN 1 AND redemption_limit", name="number"),
        CheckConstraint("ended_at >= attached_at", name="ended_at"),
        Index(
            "ix_coupon_redemption_live",
            "organization_id",
            "customer_id",
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    coupon_id: UUID
    customer_id: UUID
    number: int
    redemption_limit: int
    use_limit: int
    attached_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True, default=None)
    created_at: datetime = instant()
