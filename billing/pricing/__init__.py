"""Price models: from a billable quantity to an exact amount. One model per file."""

from __future__ import annotations

from typing import TypeAlias, assert_never

from billing.pricing.flat import Flat
from billing.pricing.graduated import Graduated
from billing.pricing.package import Package
from billing.pricing.parsing import (
    UsagePricing,
    parse_pricing,
    pricing_document,
    resolve_pricing,
)
from billing.pricing.per_unit import PerUnit
from billing.pricing.percentage import Percentage
from billing.pricing.stairstep import Stairstep
from billing.pricing.tiers import Price, Tier, TierAmount
from billing.pricing.volume import Volume
from billing.ratios import Exact

Pricing: TypeAlias = Flat | UsagePricing

__all__ = [
    "Flat",
    "Graduated",
    "Package",
    "PerUnit",
    "Percentage",
    "Price",
    "Pricing",
    "Stairstep",
    "Tier",
    "TierAmount",
    "UsagePricing",
    "Volume",
    "parse_pricing",
    "price_quantity",
    "pricing_document",
    "resolve_pricing",
]


def price_quantity(pricing: Pricing, quantity: Exact, event_count: int) -> Price:
    """Give the exact amount of a billable quantity, with its tiers.

    Units: quantity in the meter's unit, amount in major units. ``event_count`` matters to the
    percentage model only. Source: CONTRACT 8.
    """
    match pricing:
        case Percentage():
            return pricing.price(quantity, event_count)
        case PerUnit() | Graduated() | Volume() | Package() | Stairstep():
            return pricing.price(quantity)
        case Flat():
            return pricing.price()
        case _:
            assert_never(pricing)
