"""The flat model: one amount per period, whatever was used."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from billing.money import require_not_negative
from billing.pricing.tiers import Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Flat:
    """A fixed amount per period, in major units."""

    model: ClassVar[str] = "flat"
    amount: Decimal

    def __post_init__(self) -> None:
        require_not_negative(unit_price=self.amount)

    def price(self) -> Price:
        """Give the amount."""
        return Price(amount=self.amount)
