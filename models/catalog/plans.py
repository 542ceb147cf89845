"""Plans, what they charge and grant, and their immutable versions."""

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
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from billing.rating.terms import ChargeStatus, Effective, OverLimit, Shortfall
from models.base import Tenant, document, exact, instant, reference, words

INTERVALS = "('day', 'week', 'month', 'quarter', 'year')"


class Plan(Tenant, table=True):
    """What can be subscribed to, as edited. Its row lock orders edits; bills read its versions."""

    __tablename__ = "plan"
    __table_args__ = (
        CheckConstraint("type IN ('FIXED', 'USAGE', 'HYBRID')", name="type"),
        CheckConstraint(f"billing_interval IN {INTERVALS}", name="billing_interval"),
        CheckConstraint("billing_interval_count > 0", name="billing_interval_count"),
        CheckConstraint("trial_days >= 0", name="trial_days"),
        CheckConstraint("version > 0", name="version"),
        Index(
            "uq_plan_lookup_id",
            "organization_id",
            "lookup_id",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_plan_created", "organization_id", "created_at", "id"),
    )

    name: str = words()
    lookup_id: str = words()
    type: str = words()
    billing_interval: str = words()
    billing_interval_count: int = 1
    currency: str = words()
    trial_days: int = 0
    description: str | None = words(nullable=True, default=None)
    is_active: bool = True
    version: int = 1
    created_at: datetime = instant()
    deleted_at: datetime | None = instant(nullable=True, default=None)


class PlanVersion(SQLModel, table=True):
    """The terms of a plan after one edit: a ``billing.rating.periods.PlanTerms``. Append-only."""

    __tablename__ = "plan_version"
    __table_args__ = (
        reference("plan_id", "plan"),
        CheckConstraint("version > 0", name="version"),
        CheckConstraint("effective IN ('next_period', 'running_period')", name="effective"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    plan_id: UUID = Field(primary_key=True)
    version: int = Field(primary_key=True)
    terms: dict[str, Any] = document()
    effective: str = words(default=Effective.NEXT_PERIOD)
    """Whether it bills periods that had begun before it, or only those that begin after it."""
    created_at: datetime = instant()


class LimitedMeter(SQLModel, table=True):
    """A meter whose usage some version of a plan limits, also where newer versions do not."""

    __tablename__ = "limited_meter"
    __table_args__ = (reference("meter_id", "meter"),)

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    meter_id: UUID = Field(primary_key=True)


class Charge(Tenant, table=True):
    """One price of a plan: an immutable fact that can only be deactivated."""

    __tablename__ = "charge"
    __table_args__ = (
        reference("plan_id", "plan"),
        reference("meter_id", "meter"),
        CheckConstraint("type IN ('FIXED', 'USAGE')", name="type"),
        CheckConstraint("status IN ('ACTIVE', 'INACTIVE')", name="status"),
        CheckConstraint("(type = 'USAGE') = (meter_id IS NOT NULL)", name="meter"),
        CheckConstraint("type = 'USAGE' OR unit_price IS NOT NULL", name="unit_price"),
        CheckConstraint("position > 0", name="position"),
        CheckConstraint("shortfall IN ('invoice', 'block')", name="shortfall"),
        CheckConstraint("shortfall = 'invoice' OR type = 'USAGE'", name="blocks"),
        CheckConstraint(
            "CASE WHEN unit IS NULL THEN overage_rate IS NULL"
            " ELSE coalesce(overage_rate >= 0, shortfall = 'block') END",
            name="overage_rate",
        ),
        ForeignKeyConstraint(
            ["organization_id", "unit"],
            ["credit_unit.organization_id", "credit_unit.code"],
            name="fk_charge_unit",
        ),
        CheckConstraint(
            "(group_by IS NULL) = (group_prices IS NULL)"
            " AND (group_by IS NULL OR meter_id IS NOT NULL)",
            name="group_by",
        ),
        UniqueConstraint("organization_id", "plan_id", "position", name="uq_charge_position"),
        Index(
            "ix_charge_meter",
            "organization_id",
            "meter_id",
            postgresql_where=text("status = 'ACTIVE'"),
        ),
    )

    plan_id: UUID
    position: int
    type: str = words()
    unit_price: Decimal | None = exact(nullable=True, default=None)
    meter_id: UUID | None = None
    pricing: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True)
    )
    group_by: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text), nullable=True))
    group_prices: list[dict[str, Any]] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True)
    )
    """A price for each combination of values: objects of ``values`` and ``pricing``."""
    included_units: Decimal | None = exact(nullable=True, default=None)
    minimum: Decimal | None = exact(nullable=True, default=None)
    maximum: Decimal | None = exact(nullable=True, default=None)
    display_name: str | None = words(nullable=True, default=None)
    unit: str | None = words(nullable=True, default=None)
    overage_rate: Decimal | None = exact(nullable=True, default=None)
    shortfall: str = words(default=Shortfall.INVOICE, server_default=Shortfall.INVOICE)
    status: str = words(default=ChargeStatus.ACTIVE)
    created_at: datetime = instant()
    deactivated_at: datetime | None = instant(nullable=True, default=None)


class PlanFeature(Tenant, table=True):
    """What a plan grants of one feature."""

    __tablename__ = "plan_feature"
    __table_args__ = (
        reference("plan_id", "plan"),
        reference("feature_id", "feature"),
        CheckConstraint("usage_limit >= 0", name="usage_limit"),
        CheckConstraint(f"usage_reset_period IN {INTERVALS}", name="usage_reset_period"),
        CheckConstraint("over_limit IN ('bill', 'waive')", name="over_limit"),
        UniqueConstraint("organization_id", "plan_id", "feature_id", name="uq_plan_feature"),
        Index("ix_plan_feature_feature", "organization_id", "feature_id"),
    )

    plan_id: UUID
    feature_id: UUID
    is_enabled: bool = True
    usage_limit: Decimal | None = exact(nullable=True, default=None)
    usage_reset_period: str | None = words(nullable=True, default=None)
    is_soft_limit: bool = False
    reject_over_limit: bool = False
    over_limit: str = words(default=OverLimit.BILL)
    static_value: str | None = words(nullable=True, default=None)
    created_at: datetime = instant()
