"""Which meters the subscriptions of a customer charge, and when: no instant is billed twice."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlmodel import Field, SQLModel

from models.base import instant, reference


class MeterClaim(SQLModel, table=True):
    """A stretch of time, half-open, in which one subscription charges a meter; open without end.

    It outlives the subscription, which was billed for it. Source: CONTRACT 86.
    """

    __tablename__ = "meter_claim"
    __table_args__ = (
        reference("customer_id", "customer"),
        reference("subscription_id", "subscription"),
        reference("meter_id", "meter"),
        CheckConstraint("starts_at < ends_at", name="half_open"),
        ExcludeConstraint(
            ("organization_id", "="),
            ("customer_id", "="),
            ("meter_id", "="),
            (text("tstzrange(starts_at, ends_at, '[)')"), "&&"),
            using="gist",
            name="ex_meter_claim_overlap",
        ),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    subscription_id: UUID = Field(primary_key=True)
    meter_id: UUID = Field(primary_key=True)
    starts_at: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    ends_at: datetime | None = instant(nullable=True, default=None)
    customer_id: UUID
