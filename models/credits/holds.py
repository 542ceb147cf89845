"""Holds: credit that is set aside for something that is about to be used."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text

from models.base import Tenant, exact, instant, words


class CreditHold(Tenant, table=True):
    """Credit set aside until it is settled, released, or its time is over.

    Of which grants is said by its postings. ``settled_amount`` is None unless it was settled.
    """

    __tablename__ = "credit_hold"
    __table_args__ = (
        ForeignKeyConstraint(
            ["organization_id", "customer_id", "unit"],
            ["wallet.organization_id", "wallet.customer_id", "wallet.unit"],
            name="fk_credit_hold_wallet",
        ),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint(
            "expires_at > at AND expires_at <= at + interval '24 hours'", name="expires_at"
        ),
        CheckConstraint("settled_amount BETWEEN 0 AND amount", name="settled_amount"),
        CheckConstraint("settled_amount IS NULL OR ended_at IS NOT NULL", name="settled_ends"),
        CheckConstraint("ended_at BETWEEN at AND expires_at", name="ended_at"),
        Index(
            "ix_credit_hold_open",
            "organization_id",
            "customer_id",
            "unit",
            "expires_at",
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    customer_id: UUID
    unit: str = words()
    amount: Decimal = exact()
    at: datetime = instant()
    expires_at: datetime = instant()
    settled_amount: Decimal | None = exact(nullable=True, default=None)
    ended_at: datetime | None = instant(nullable=True, default=None)
    created_at: datetime = instant()
