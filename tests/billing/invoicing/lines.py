"""Lines, rates and an address of bills, for whatever is tried on bills."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from billing.identifiers import TaxRateId
from billing.invoicing.taxes import Address, TaxRate
from billing.money import Currency
from billing.rating.lines import LineType, PricedLine
from tests.billing.builders import USD, d

CANADA = Address(country="CA")


def line(amount: str | Decimal, currency: Currency = USD, *, taxable: bool = True) -> PricedLine:
    return PricedLine(
        type=LineType.USAGE,
        currency=currency.code,
        name="API Calls",
        description="API Calls",
        quantity=d(1),
        exact_amount=Decimal(amount),
        is_taxable=taxable,
    )


def rate(percentage: str | Decimal, *, inclusive: bool = False) -> TaxRate:
    return TaxRate(
        tax_rate_id=TaxRateId(UUID(int=7)),
        name="VAT",
        country="CA",
        percentage=Decimal(percentage),
        is_inclusive=inclusive,
    )
