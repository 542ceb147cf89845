"""Groups of usage: by which properties roll-ups tell a meter's events apart, and what they hold."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, DateTime, Index, Text, text
from sqlalchemy import UniqueConstraint as Unique
from sqlmodel import Field, SQLModel

from models.base import Tenant, exact, instant, reference

MISSING_PLACE = 0
"""The place of events that lack a property."""
OTHERS_PLACE = 1
"""The place of events whose values no price names. Named ones have places from 2."""


class UsageGrouping(Tenant, table=True):
    """Properties by which a meter's usage is told apart, because a charge prices by them.

    Roll-ups hold its groups in the hours from ``rolled_from`` on, in all hours where that is None;
    before, events tell. It moves on when a price names values that were others until then.
    """

    __tablename__ = "usage_grouping"
    __table_args__ = (
        reference("meter_id", "meter"),
        CheckConstraint("cardinality(properties) BETWEEN 1 AND 2", name="properties"),
        Unique("organization_id", "meter_id", "properties", name="uq_usage_grouping_properties"),
    )

    meter_id: UUID
    properties: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    rolled_from: datetime | None = instant(nullable=True, default=None)
    created_at: datetime = instant()


class UsageGroup(SQLModel, table=True):
    """Values that some charge names a price for. They are named for ever, as the charge is."""

    __tablename__ = "usage_group"
    __table_args__ = (
        reference("grouping_id", "usage_grouping"),
        CheckConstraint("place > 1", name="place"),
        CheckConstraint("array_position(property_values, NULL) IS NULL", name="property_values"),
        Unique("organization_id", "grouping_id", "property_values", name="uq_usage_group_values"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    grouping_id: UUID = Field(primary_key=True)
    place: int = Field(primary_key=True)
    property_values: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))


class UsageGroupRollup(SQLModel, table=True):
    """The events that count of a customer's hour, of one group. A cache, as ``usage_rollup`` is.

    An hour has at most one row for each value that is named, and two. The hour's ``usage_rollup``
    carries the other foreign keys.
    """

    __tablename__ = "usage_group_rollup"
    __table_args__ = (
        reference("grouping_id", "usage_grouping"),
        CheckConstraint("event_count > 0", name="event_count"),
        CheckConstraint("place >= 0", name="place"),
        Index(
            "ix_usage_group_rollup_others",
            "organization_id",
            "grouping_id",
            "hour",
            postgresql_where=text("place = 1"),
        ),
        {"postgresql_with": {"fillfactor": 70}},
    )

    organization_id: UUID = Field(primary_key=True)
    customer_id: UUID = Field(primary_key=True)
    meter_id: UUID = Field(primary_key=True)
    grouping_id: UUID = Field(primary_key=True)
    hour: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    place: int = Field(primary_key=True)
    event_count: int = Field(sa_type=BigInteger)
    total: Decimal = exact()
