"""What plans commit their customers to."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, Column, Index, Uuid
from sqlmodel import Field

from billing.commitments.terms import MOST_PERIODS
from models.base import Tenant, exact, instant, reference


class Commitment(Tenant, table=True):
    """A commitment of a plan: an immutable fact that can only be ended. Bills read versions."""

    __tablename__ = "commitment"
    __table_args__ = (
        reference("plan_id", "plan"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint(f"term_periods BETWEEN 1 AND {MOST_PERIODS}", name="term_periods"),
        CheckConstraint("overage_factor >= 0", name="overage_factor"),
        CheckConstraint("ended_at >= created_at", name="ended_at"),
        Index("ix_commitment_plan", "organization_id", "plan_id", "created_at", "id"),
    )

    plan_id: UUID
    amount: Decimal = exact()
    charge_ids: list[UUID] = Field(
        default_factory=list, sa_column=Column(ARRAY(Uuid), server_default="{}", nullable=False)
    )
    """The charges whose lines count; empty for all in money."""
    term_periods: int
    overage_factor: Decimal = exact()
    created_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True, default=None)
