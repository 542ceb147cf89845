"""The volume model: the tier that holds the total prices every unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from billing.money import exactly
from billing.pricing.prices import Price
from billing.pricing.tier_table import TierTable
from billing.pricing.tiers import TierAmount
from billing.ratios import Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume(TierTable):
    """A tier table in which the whole quantity is priced by the one tier that holds it."""

    model: ClassVar[str] = "volume"

    @exactly
    def price(self, quantity: Exact, _event_count: int = 0) -> Price:
        """Give quantity × the tier's price + the tier's flat fee.

        Source: CONTRACT 8. Worked example: 15,000 calls in a tier at 0.0005 cost 7.50.
        """
        place = self._place_of(quantity)
        tier = self.tiers[place]
        amount = quantity * tier.unit_price + tier.flat_fee
        row = TierAmount(
            starts_from=self._lower(place),
            up_to=tier.up_to,
            quantity=quantity,
            unit_price=tier.unit_price,
            flat_fee=tier.flat_fee,
            amount=amount,
        )
        return Price(amount=amount, tiers=(row,), inputs={"tiers": 1})
