"""The flat model: one amount per period, whatever was used."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from billing.money import ONE, require_not_negative
from billing.pricing.prices import MeterNeed, Price
from billing.ratios import Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Flat:
    """A fixed amount per period, in major units: the one model of FIXED charges."""

    model: ClassVar[str] = "flat"
    needs: ClassVar[MeterNeed | None] = None

    amount: Decimal

    def __post_init__(self) -> None:
        require_not_negative(unit_price=self.amount)

    def document(self) -> dict[str, object]:
        """Give the JSON shape."""
        return {"model": self.model, "amount": self.amount}

    def price(self, _quantity: Exact = ONE, _event_count: int = 0) -> Price:
        """Give the amount."""
        return Price(
            amount=self.amount,
            inputs={"unit_price": self.amount},
            line_values={"unit_amount": self.amount},
        )
