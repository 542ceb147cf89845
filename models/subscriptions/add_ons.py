"""Add-ons of subscriptions, and the quantities that they have had."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, DateTime, Index
from sqlmodel import Field, SQLModel

from models.base import Tenant, exact, instant, reference, words


class SubscriptionAddOn(Tenant, table=True):
    """A FIXED charge that is attached to one subscription; its id is that of the charge on bills.

    A fact: only its quantities change.
    """

    __tablename__ = "subscription_add_on"
    __table_args__ = (
        reference("subscription_id", "subscription"),
        CheckConstraint("unit_price >= 0", name="unit_price"),
        Index(
            "ix_subscription_add_on_created",
            "organization_id",
            "subscription_id",
            "created_at",
            "id",
        ),
    )

    subscription_id: UUID
    unit_price: Decimal = exact()
    display_name: str | None = words(nullable=True, default=None)
    created_at: datetime = instant()


class AddOnQuantity(SQLModel, table=True):
    """The quantity of an add-on from an instant on, in the customer's time; 0 once it ended.

    No two of an add-on are of one instant. Rows are added; one that is replaced at its own instant
    has held for no time.
    """

    __tablename__ = "add_on_quantity"
    __table_args__ = (
        reference("add_on_id", "subscription_add_on"),
        CheckConstraint("quantity >= 0", name="quantity"),
    )

    organization_id: UUID = Field(primary_key=True, foreign_key="organization.id")
    add_on_id: UUID = Field(primary_key=True)
    effective_at: datetime = Field(sa_column=Column(DateTime(timezone=True), primary_key=True))
    quantity: Decimal = exact()
    created_at: datetime = instant()
