"""Roll-ups: what the events of one hour come to. A cache; raw events are the truth."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Index, LargeBinary
from sqlmodel import Field, SQLModel

from models.base import exact, instant, reference


class UsageRollup(SQLModel, table=True):
    """The events of a customer on a meter in one UTC hour.

    ``recorded_count`` counts all of them; every other figure only those that count: passed by the
    meter's filters, not paused, not void. ``weighted_total`` is the sum of value x microseconds
    from the event to the end of the hour.
    """

    __tablename__ = "usage_rollup"
    __table_args__ = (
        reference("meter_id", "meter"),
        reference("customer_id", "customer"),
        CheckConstraint("recorded_count >= event_count AND event_count >= 0", name="counts"),
        CheckConstraint(
            "num_nulls(minimum, maximum, last_value, last_at, last_sequence)"
            " = CASE WHEN event_count = 0 THEN 5 ELSE 0 END",
            name="empty",
        ),
        Index("ix_usage_rollup_meter", "organization_id", "meter_id", "hour"),
        {"postgresql_with": {"fillfactor": 70}},
    )

    organization_id: UUID = Field(primary_key=True)
    customer_id: UUID = Field(primary_key=True)
    meter_id: UUID = Field(primary_key=True)
    hour: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    recorded_count: int = Field(sa_type=BigInteger)
    event_count: int = Field(sa_type=BigInteger)
    total: Decimal = exact()
    minimum: Decimal | None = exact(nullable=True, default=None)
    maximum: Decimal | None = exact(nullable=True, default=None)
    last_value: Decimal | None = exact(nullable=True, default=None)
    last_at: datetime | None = instant(nullable=True, default=None)
    last_sequence: int | None = Field(default=None, sa_type=BigInteger)
    weighted_total: Decimal = exact()


class UsageDistinct(SQLModel, table=True):
    """That a value occurred in an hour on a UNIQUE_COUNT meter: the SHA-256 of its text."""

    __tablename__ = "usage_distinct"

    organization_id: UUID = Field(primary_key=True)
    customer_id: UUID = Field(primary_key=True)
    meter_id: UUID = Field(primary_key=True)
    hour: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    value_hash: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
