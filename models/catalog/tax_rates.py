"""Tax rates that an organization charges its customers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, text

from models.base import Tenant, exact, instant, words


class TaxRate(Tenant, table=True):
    """A rate for a country, or for one state of it. Units: ``percentage`` 18 is 18 %."""

    __tablename__ = "tax_rate"
    __table_args__ = (
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        CheckConstraint("percentage BETWEEN 0 AND 1000", name="percentage"),
        Index(
            "ix_tax_rate_in_force",
            "organization_id",
            "country",
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    name: str = words()
    country: str = words()
    state: str | None = words(nullable=True, default=None)
    percentage: Decimal = exact()
    inclusive: bool = False
    created_at: datetime = instant()
    deleted_at: datetime | None = instant(nullable=True, default=None)
