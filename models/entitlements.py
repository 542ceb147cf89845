"""Reset windows of limited features that saw usage, and which thresholds were told of them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, ForeignKeyConstraint
from sqlmodel import Field, SQLModel

from models.base import instant, reference

WINDOW = ("organization_id", "subscription_id", "feature_id", "starts_at")


class EntitlementWindow(SQLModel, table=True):
    """One reset window of a feature. Its row lock orders the events that count in it.

    It refers to no row of its subscription: whoever closes a period holds that row while waiting
    for arriving events, which would wait for it here.
    """

    __tablename__ = "entitlement_window"
    __table_args__ = (
        reference("feature_id", "feature"),
        CheckConstraint("starts_at < ends_at", name="half_open"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    subscription_id: UUID = Field(primary_key=True)
    feature_id: UUID = Field(primary_key=True)
    starts_at: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    ends_at: datetime = instant()


class EntitlementThreshold(SQLModel, table=True):
    """That usage reached this percentage of the limit in a window: told once, for ever."""

    __tablename__ = "entitlement_threshold"
    __table_args__ = (
        ForeignKeyConstraint(
            WINDOW,
            [f"entitlement_window.{name}" for name in WINDOW],
            name="fk_entitlement_threshold_window",
        ),
        CheckConstraint("threshold > 0", name="threshold"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    subscription_id: UUID = Field(primary_key=True)
    feature_id: UUID = Field(primary_key=True)
    starts_at: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    threshold: int = Field(primary_key=True)
    reached_at: datetime = instant()
