"""Which meters the subscriptions of a customer charge, and when: no instant is billed twice."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, Uuid
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlmodel import Field, SQLModel


class MeterClaim(SQLModel, table=True):
    """All that is charged of a customer's usage of one meter, ever, and by which subscriptions.

    Each charges it in the span at its place, half-open, and without an upper bound while no end is
    planned; it may have several. Claims outlive their subscription, which was billed for them.
    Source: CONTRACT 86.

    A charge that is added to a plan writes those of all its subscriptions in one transaction. So
    they are one row and a check: rows that an exclusion constraint keeps apart cost five times as
    much to write. What a row names comes from subscriptions by the statement that writes it, so
    foreign keys would only look it up again, for half of what is left.
    """

    __tablename__ = "meter_claim"
    __table_args__ = (
        CheckConstraint("cardinality(subscription_ids) = cardinality(spans)", name="pairs"),
        CheckConstraint(
            "'empty' <> ALL (spans) AND array_position(spans, NULL) IS NULL", name="spans"
        ),
        CheckConstraint("cardinality(spans) < 2 OR spans_are_apart(spans)", name="overlap"),
    )

    organization_id: UUID = Field(primary_key=True)
    customer_id: UUID = Field(primary_key=True)
    meter_id: UUID = Field(primary_key=True)
    subscription_ids: list[UUID] = Field(sa_column=Column(ARRAY(Uuid()), nullable=False))
    spans: list[Range[datetime]] = Field(sa_column=Column(ARRAY(TSTZRANGE()), nullable=False))
