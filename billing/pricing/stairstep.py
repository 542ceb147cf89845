"""The stairstep model: the tier that holds the quantity has one price for everything in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from billing.errors import InvalidInput
from billing.money import ZERO
from billing.pricing.prices import Price
from billing.pricing.tier_table import TierTable
from billing.pricing.tiers import TierAmount
from billing.ratios import Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Stairstep(TierTable):
    """A tier table in which only the flat fee of the tier that holds the quantity is due."""

    model: ClassVar[str] = "stairstep"

    def __post_init__(self) -> None:
        TierTable.__post_init__(self)
        for place, tier in enumerate(self.tiers):
            if tier.unit_price != ZERO:
                raise InvalidInput(
                    f"Tier {place + 1} has a unit price, but stairstep tiers have only a flat fee.",
                    code="invalid_tiers",
                    field=f"tiers.{place}.unit_price",
                )

    def price(self, quantity: Exact, _event_count: int = 0) -> Price:
        """Give the flat fee of the tier that holds the quantity.

        Source: CONTRACT 8. Worked example: with 10 up to 100 and 50 above, 101 units cost 50.
        """
        place = self._place_of(quantity)
        tier = self.tiers[place]
        row = TierAmount(
            starts_from=self._lower(place),
            up_to=tier.up_to,
            quantity=quantity,
            unit_price=ZERO,
            flat_fee=tier.flat_fee,
            amount=tier.flat_fee,
        )
        return Price(amount=tier.flat_fee, tiers=(row,), inputs={"tiers": 1})
