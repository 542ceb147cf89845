"""The graduated model: each unit costs what the tier it falls into says, like income tax."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Self

from billing.money import ZERO, exactly
from billing.pricing.prices import MeterNeed, Price, StepInputs
from billing.pricing.tiers import (
    Tier,
    TierAmount,
    check_tiers,
    read_tiers,
    tiers_document,
)
from billing.ratios import Exact, as_decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Graduated:
    """A tier table in which every unit is priced by its own tier.

    A tier's flat fee is due as soon as any part of a unit falls into it; the first tier's always.
    Amounts of whole tiers are added up once, when the table is made, so that pricing takes as long
    for a thousand tiers as for three.
    """

    model: ClassVar[str] = "graduated"
    needs: ClassVar[MeterNeed | None] = None

    tiers: tuple[Tier, ...]
    _bounds: tuple[Decimal, ...] = field(init=False, repr=False, compare=False)
    _full_rows: tuple[TierAmount, ...] = field(init=False, repr=False, compare=False)
    _amounts_below: tuple[Decimal, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_tiers(self.tiers)
        bounds = tuple(tier.up_to for tier in self.tiers if tier.up_to is not None)
        rows, below = _fill(self.tiers, bounds)
        object.__setattr__(self, "_bounds", bounds)
        object.__setattr__(self, "_full_rows", rows)
        object.__setattr__(self, "_amounts_below", below)

    @classmethod
    def read(cls, document: Mapping[str, object]) -> Self:
        """Read the JSON shape."""
        return cls(tiers=read_tiers(document))

    def document(self) -> dict[str, object]:
        """Give the JSON shape."""
        return {"model": self.model, "tiers": tiers_document(self.tiers)}

    @exactly
    def price(self, quantity: Exact, _event_count: int = 0) -> Price:
        """Give the sum over the tiers that the quantity reaches.

        Source: CONTRACT 8. Worked example: 15,000 calls over 0.002 to 1,000, 0.001 to 10,000 and
        0.0005 above cost 2.00 + 9.00 + 2.50 = 13.50.
        """
        place = bisect_left(self._bounds, quantity)
        last = _row(self.tiers[place], self._lower(place), quantity)
        return Price(
            amount=self._amounts_below[place] + last.amount,
            tiers=(*self._full_rows[:place], last),
            inputs={"tiers": place + 1},
        )

    @classmethod
    def label(cls, _shown: StepInputs) -> str:
        """Give the model's name; its tiers have rows of their own."""
        return f", {cls.model}"

    def _lower(self, place: int) -> Decimal:
        return self._bounds[place - 1] if place else ZERO


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
