"""Collections: what happens by itself to open invoices until they are paid or given up."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from models.base import instant, reference, words


class Collection(SQLModel, table=True):
    """One invoice that is collected, from when it became final until nothing is due by itself.

    Each ``…_through`` is the instant up to which all of that kind was done or let pass;
    ``completed_through`` is what a test clock waits for. What is due is computed from it and from
    the payments (`billing/payments/dunning.py`).
    """

    __tablename__ = "collection"
    __table_args__ = (
        reference("invoice_id", "invoice"),
        reference("customer_id", "customer"),
        reference("subscription_id", "subscription"),
        reference("test_clock_id", "test_clock"),
        CheckConstraint("status IN ('active', 'ended')", name="status"),
        CheckConstraint("(status = 'ended') = (ended_at IS NOT NULL)", name="ended_at"),
        CheckConstraint("(exhausted_at IS NULL) = (end_action IS NULL)", name="exhausted_at"),
        CheckConstraint(
            "end_action IN ('none', 'pause', 'cancel', 'uncollectible')", name="end_action"
        ),
        *(
            Index(
                f"ix_collection_{name}",
                "organization_id",
                column,
                postgresql_where=text("status = 'active'"),
            )
            for name, column in (("active", "subscription_id"), ("on_clock", "test_clock_id"))
        ),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    invoice_id: UUID = Field(primary_key=True)
    customer_id: UUID
    subscription_id: UUID | None = None
    test_clock_id: UUID | None = None
    status: str = words()
    opened_at: datetime = instant()
    charged_through: datetime | None = instant(nullable=True, default=None)
    reminded_through: datetime | None = instant(nullable=True, default=None)
    completed_through: datetime | None = instant(nullable=True, default=None)
    exhausted_at: datetime | None = instant(nullable=True, default=None)
    end_action: str | None = words(nullable=True, default=None)
    ended_at: datetime | None = instant(nullable=True, default=None)
    created_at: datetime = instant()
