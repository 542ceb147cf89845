"""Tax rates that an organization charges its customers."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, text

from billing.invoicing.tax_categories import TaxCategory
from models.base import Tenant, exact, instant, words

_CATEGORIES = ", ".join(f"'{one}'" for one in TaxCategory)


class TaxRate(Tenant, table=True):
    """A rate for a country, or for one state of it. Units: ``percentage`` 18 is 18 %."""

    __tablename__ = "tax_rate"
    __table_args__ = (
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country"),
        CheckConstraint("percentage BETWEEN 0 AND 1000", name="percentage"),
        CheckConstraint(f"category IN ({_CATEGORIES})", name="category"),
        CheckConstraint("(category = 'S') = (percentage > 0)", name="category_percentage"),
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
    category: str | None = words(nullable=True, default=None)
    exemption_reason: str | None = words(nullable=True, default=None)
    created_at: datetime = instant()
    deleted_at: datetime | None = instant(nullable=True, default=None)
