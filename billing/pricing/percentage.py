"""The percentage model: a share of the amounts measured, and a fee for each event."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from billing.money import ZERO, exactly, require_not_negative
from billing.pricing.tiers import Price
from billing.ratios import Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentage:
    """A rate (0.029 is 2.9 %) on a sum of amounts, and a fixed fee once per counted event."""

    model: ClassVar[str] = "percentage"
    rate: Decimal
    fixed_fee: Decimal = ZERO

    def __post_init__(self) -> None:
        require_not_negative(rate=self.rate, fixed_fee=self.fixed_fee)

    @exactly
    def price(self, amount: Exact, event_count: int) -> Price:
        """Give rate × amount + fee × events.

        Source: CONTRACT 8. Worked example: 0.029 of 1,000 and 0.30 for 12 events are 32.60.
        """
        return Price(amount=amount * self.rate + self.fixed_fee * event_count)
