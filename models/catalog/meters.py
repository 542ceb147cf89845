"""Meters: how the usage events of one kind become a number."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from billing.metering.aggregations import MeterStatus
from billing.metering.tallies import Aggregation
from models.base import Tenant, document, instant, words

_AGGREGATIONS = ", ".join(f"'{one}'" for one in Aggregation)


class Meter(Tenant, table=True):
    """What is measured. Its aggregation, property and filters stand once an event was recorded."""

    __tablename__ = "meter"
    __table_args__ = (
        CheckConstraint(
            f"aggregation_type IN ({_AGGREGATIONS})",
            name="aggregation_type",
        ),
        CheckConstraint("jsonb_typeof(filters) = 'array'", name="filters"),
        CheckConstraint("status IN ('ACTIVE', 'INACTIVE')", name="status"),
        CheckConstraint("(status = 'INACTIVE') = (deleted_at IS NOT NULL)", name="retired"),
        UniqueConstraint("organization_id", "meter_token", name="uq_meter_token"),
        Index(
            "uq_meter_name",
            "organization_id",
            "meter_name",
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_meter_created", "organization_id", "created_at", "id"),
    )

    name: str = words()
    meter_name: str = words()
    meter_token: UUID = Field(default_factory=uuid4)
    property_name: str | None = words(nullable=True, default=None)
    aggregation_type: str = words()
    unit: str | None = words(nullable=True, default=None)
    unit_code: str | None = words(nullable=True, default=None)
    """What software understands the unit by (UN/ECE recommendation 20)."""
    filters: list[Any] = document(default_factory=list)
    usage_pricing_rules: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True)
    )
    carry_forward: bool = False
    status: str = words(default=MeterStatus.ACTIVE)
    created_at: datetime = instant()
    deleted_at: datetime | None = instant(nullable=True, default=None)
