"""Alerts, and every time that a threshold of one was reached."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Numeric,
    UniqueConstraint,
    text,
)
from sqlmodel import Field

from models.base import Tenant, exact, instant, reference, words


class Alert(Tenant, table=True):
    """What is watched for a customer. Nothing of it changes; deleting ends it.

    ``unit`` is what spend and credit are counted in, null for usage.
    """

    __tablename__ = "alert"
    __table_args__ = (
        reference("customer_id", "customer"),
        reference("subscription_id", "subscription"),
        reference("meter_id", "meter"),
        CheckConstraint("\"on\" IN ('spend', 'usage', 'available')", name="on"),
        CheckConstraint("direction IN ('up', 'down')", name="direction"),
        CheckConstraint("action IN ('alert', 'block')", name="action"),
        CheckConstraint("(\"on\" = 'usage') = (unit IS NULL)", name="unit"),
        CheckConstraint("cardinality(thresholds) >= 1", name="thresholds"),
        Index(
            "ix_alert_customer",
            "organization_id",
            "customer_id",
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index(
            "ix_alert_listed",
            "organization_id",
            "created_at",
            "id",
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    customer_id: UUID
    subscription_id: UUID | None = None
    meter_id: UUID | None = None
    on: str = words()
    unit: str | None = words(nullable=True, default=None)
    thresholds: list[Decimal] = Field(sa_column=Column(ARRAY(Numeric()), nullable=False))
    direction: str = words()
    action: str = words()
    rearm: bool
    created_at: datetime = instant()
    deleted_at: datetime | None = instant(nullable=True, default=None)


class AlertCrossing(Tenant, table=True):
    """A threshold that was reached: once in a window, again after recovery if the alert rearms.

    ``watermark`` is the arrival number of what was counted last. ``recovered_at`` is when the value
    was found on the other side again, null while it is not.
    """

    __tablename__ = "alert_crossing"
    __table_args__ = (
        reference("alert_id", "alert"),
        UniqueConstraint(
            "organization_id",
            "alert_id",
            "threshold",
            "window",
            "number",
            name="uq_alert_crossing_number",
        ),
        CheckConstraint("number >= 1", name="number"),
    )

    alert_id: UUID
    threshold: Decimal = exact()
    window: str = words()
    number: int
    value: Decimal = exact()
    watermark: int | None = Field(default=None, sa_type=BigInteger)
    at: datetime = instant()
    recovered_at: datetime | None = instant(nullable=True, default=None)
    created_at: datetime = instant()
