"""The graduated model: each unit costs what the tier it falls into says, like income tax."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

from billing.money import ZERO, exactly
from billing.pricing.prices import Price
from billing.pricing.tier_table import TierTable
from billing.pricing.tiers import Tier, TierAmount
from billing.ratios import Exact, as_decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Graduated(TierTable):
    """A tier table in which every unit is priced by its own tier.

    A tier's flat fee is due as soon as any part of a unit falls into it; the first tier's always.
    Amounts of whole tiers are added up once, when the table is made, so that pricing takes as long
    for a thousand tiers as for three.
    """

    model: ClassVar[str] = "graduated"

    _full_rows: tuple[TierAmount, ...] = field(init=False, repr=False, compare=False)
    _amounts_below: tuple[Decimal, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        TierTable.__post_init__(self)
        rows, below = _fill(self.tiers, self._bounds)
        object.__setattr__(self, "_full_rows", rows)
        object.__setattr__(self, "_amounts_below", below)

    @exactly
    def price(self, quantity: Exact, _event_count: int = 0) -> Price:
        """Give the sum over the tiers that the quantity reaches.

        Source: CONTRACT 8. Worked example: 15,000 calls over 0.002 to 1,000, 0.001 to 10,000 and
        0.0005 above cost 2.00 + 9.00 + 2.50 = 13.50.
        """
        place = self._place_of(quantity)
        last = _row(self.tiers[place], self._lower(place), quantity)
        return Price(
            amount=self._amounts_below[place] + last.amount,
            tiers=(*self._full_rows[:place], last),
            inputs={"tiers": place + 1},
        )


@exactly
def _fill(
    tiers: tuple[Tier, ...], bounds: tuple[Decimal, ...]
) -> tuple[tuple[TierAmount, ...], tuple[Decimal, ...]]:
    lowers = (ZERO, *bounds)
    rows = tuple(
        _row(tier, lower, upper) for tier, lower, upper in zip(tiers, lowers, bounds, strict=False)
    )
    below = [ZERO]
    for row in rows:
        below.append(below[-1] + as_decimal(row.amount))
    return rows, tuple(below)


def _row(tier: Tier, lower: Decimal, reached: Exact) -> TierAmount:
    quantity = reached - lower
    return TierAmount(
        starts_from=lower,
        up_to=tier.up_to,
        quantity=quantity,
        unit_price=tier.unit_price,
        flat_fee=tier.flat_fee,
        amount=quantity * tier.unit_price + tier.flat_fee,
    )
