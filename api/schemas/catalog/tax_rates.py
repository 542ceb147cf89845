"""Tax rates on the wire (CONTRACT section 6)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from api.schemas.common import Exact, Flag, Moment, NotNegative, Schema, View, Words, any_case
from billing.invoicing.tax_categories import TaxCategory
from models.catalog.tax_rates import TaxRate
from services.catalog.tax_rates import CreateTaxRate


class TaxRateCreate(Schema):
    """A rate for a country, or for one state of it. ``percentage`` 18 is 18 %."""

    name: Words
    country: Words
    percentage: NotNegative
    state: Words | None = None
    inclusive: Flag = False
    category: Annotated[TaxCategory | None, any_case(TaxCategory)] = None
    """As what it is meant on e-invoices; without one S, and Z where the percentage is 0."""
    exemption_reason: Words | None = None

    def command(self) -> CreateTaxRate:
        """The command that the body stands for."""
        return self.fill(CreateTaxRate)


class TaxRateView(View):
    """A tax rate."""

    id: UUID
    name: str
    country: str
    state: str | None
    percentage: Exact
    inclusive: bool
    category: TaxCategory | None
    exemption_reason: str | None
    created_at: Moment


def view_tax_rate(tax_rate: TaxRate) -> TaxRateView:
    """The rate as the API shows it."""
    return TaxRateView.model_validate(tax_rate, from_attributes=True)
