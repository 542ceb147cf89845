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
    """What documents call the tax."""
    country: Words
    """The country of the customers that it is for, an ISO 3166-1 code such as `DE`."""
    percentage: NotNegative
    """How many percent: 19 is 19 %."""
    state: Words | None = None
    """The state or region that it is for; absent for the whole country."""
    inclusive: Flag = False
    """Whether prices include the tax already."""
    category: Annotated[TaxCategory | None, any_case(TaxCategory)] = None
    """As what it is meant on e-invoices; without one S, and Z where the percentage is 0."""
    exemption_reason: Words | None = None
    """Why no tax is due, as e-invoices say it."""

    def command(self) -> CreateTaxRate:
        """The command that the body stands for."""
        return self.fill(CreateTaxRate)


class TaxRateView(View, like=(TaxRateCreate,)):
    """A tax rate."""

    id: UUID
    name: str
    country: str
    state: str | None
    """The state or region that it is for; null for the whole country."""
    percentage: Exact
    inclusive: bool
    category: TaxCategory | None
    """As what it is meant on e-invoices; null where the percentage says it."""
    exemption_reason: str | None
    """Why no tax is due, as e-invoices say it; null where nobody says."""
    created_at: Moment


def view_tax_rate(tax_rate: TaxRate) -> TaxRateView:
    """The rate as the API shows it."""
    return TaxRateView.model_validate(tax_rate, from_attributes=True)
