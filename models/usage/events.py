"""Usage events: what was reported, what it was reported under, and what was corrected later."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    LargeBinary,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from models.base import Tenant, exact, instant, reference, words

ARRIVAL_BLOCK = 32768
"""Step of ``usage_arrival_sequence``: a transaction draws once and numbers its rows from there."""


class UsageEvent(SQLModel, table=True):
    """One reported use, for ever. Its id is a UUIDv7 of its timestamp, so the id finds the row.

    Partitioned by month. The hourly roll-up that is written beside it carries the foreign keys.
    """

    __tablename__ = "usage_event"
    __table_args__ = (
        Index(
            "ix_usage_event_customer",
            "organization_id",
            "customer_id",
            "meter_id",
            "timestamp",
        ),
        Index(
            "ix_usage_event_late",
            "organization_id",
            "customer_id",
            "timestamp",
            postgresql_where=text("late"),
        ),
        Index(
            "ix_usage_event_late_newest",
            "organization_id",
            "timestamp",
            "id",
            postgresql_where=text("late"),
        ),
        {"postgresql_partition_by": "RANGE (timestamp)"},
    )

    organization_id: UUID = Field(primary_key=True)
    timestamp: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    id: UUID = Field(primary_key=True)
    meter_id: UUID
    customer_id: UUID
    quantity: Decimal = exact()
    distinct_value: str | None = words(nullable=True, default=None)
    meta_data: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True)
    )
    idempotency_key: str | None = words(nullable=True, default=None)
    arrival_sequence: int = Field(sa_type=BigInteger)
    counted: bool
    late: bool
    paused: bool
    ingested_at: datetime = instant()


class UsageEventKey(SQLModel, table=True):
    """The identity of an event, for ever: a key names one event, whatever its timestamp."""

    __tablename__ = "usage_event_key"

    organization_id: UUID = Field(primary_key=True)
    idempotency_key: str = Field(sa_column=Column(Text(collation="C"), primary_key=True))
    event_id: UUID
    timestamp: datetime = instant()
    content_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class UsageCorrection(Tenant, table=True):
    """A later fact about an event: it is void, or its quantity is another. The newest one holds."""

    __tablename__ = "usage_correction"
    __table_args__ = (
        reference("meter_id", "meter"),
        reference("customer_id", "customer"),
        CheckConstraint("kind IN ('void', 'amend')", name="kind"),
        CheckConstraint("(kind = 'amend') = (quantity IS NOT NULL)", name="quantity"),
        Index(
            "ix_usage_correction_customer",
            "organization_id",
            "customer_id",
            "meter_id",
            "timestamp",
        ),
        Index(
            "uq_usage_correction_event",
            "organization_id",
            "event_id",
            "arrival_sequence",
            unique=True,
        ),
    )

    event_id: UUID
    timestamp: datetime = instant()
    meter_id: UUID
    customer_id: UUID
    kind: str = words()
    quantity: Decimal | None = exact(nullable=True, default=None)
    arrival_sequence: int = Field(sa_type=BigInteger)
    created_at: datetime = instant()
