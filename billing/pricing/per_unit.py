"""The per-unit model: every unit costs the same."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from billing.money import exactly, require_not_negative
from billing.pricing.tiers import Price
from billing.ratios import Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class PerUnit:
    """A price per unit, in major units."""

    model: ClassVar[str] = "per_unit"
    unit_price: Decimal

    def __post_init__(self) -> None:
        require_not_negative(unit_price=self.unit_price)

    @exactly
    def price(self, quantity: Exact) -> Price:
        """Give quantity × unit price. Worked example: 82,450 × 0.001 is 82.45."""
        return Price(amount=quantity * self.unit_price)
