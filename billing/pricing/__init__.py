"""Price models: from a billable quantity to an exact amount. One model per file."""

from __future__ import annotations

from billing.pricing.flat import Flat
from billing.pricing.graduated import Graduated
from billing.pricing.package import Package
from billing.pricing.parsing import parse_pricing, resolve_pricing
from billing.pricing.per_unit import PerUnit
from billing.pricing.percentage import Percentage
from billing.pricing.prices import Formatter, LineValues, Price, Shown
from billing.pricing.registry import (
    MODELS,
    Pricing,
    UsagePricing,
    describe_price,
    find_misfit,
)
from billing.pricing.stairstep import Stairstep
from billing.pricing.tiers import Tier, TierAmount
from billing.pricing.volume import Volume

__all__ = [
    "MODELS",
    "Flat",
    "Formatter",
    "Graduated",
    "LineValues",
    "Package",
    "PerUnit",
    "Percentage",
    "Price",
    "Pricing",
    "Shown",
    "Stairstep",
    "Tier",
    "TierAmount",
    "UsagePricing",
    "Volume",
    "describe_price",
    "find_misfit",
    "parse_pricing",
    "resolve_pricing",
]
