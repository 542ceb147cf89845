"""Price models: from a billable quantity to an exact amount. One model per file.

The models are known to the registry alone; everybody else asks it, and tells no model from another.
"""

from __future__ import annotations

from billing.pricing.flat import Flat
from billing.pricing.parsing import parse_pricing, resolve_pricing
from billing.pricing.prices import Formatter, LineValues, Price, StepInputs
from billing.pricing.registry import (
    MODELS,
    Pricing,
    UsagePricing,
    describe_price,
    find_misfit,
)
from billing.pricing.tiers import Tier, TierAmount

__all__ = [
    "MODELS",
    "Flat",
    "Formatter",
    "LineValues",
    "Price",
    "Pricing",
    "StepInputs",
    "Tier",
    "TierAmount",
    "UsagePricing",
    "describe_price",
    "find_misfit",
    "parse_pricing",
    "resolve_pricing",
]
