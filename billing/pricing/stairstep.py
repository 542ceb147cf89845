"""The stairstep model: the tier that holds the quantity has one price for everything in it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Self

from billing.errors import InvalidInput
from billing.money import ZERO
from billing.pricing.prices import MeterNeed, Price, StepInputs
from billing.pricing.tiers import (
    Tier,
    TierAmount,
    check_tiers,
    read_tiers,
    tiers_document,
)
from billing.ratios import Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Stairstep:
    """A tier table in which only the flat fee of the tier that holds the quantity is due."""

    model: ClassVar[str] = "stairstep"
    needs: ClassVar[MeterNeed | None] = None

    tiers: tuple[Tier, ...]
    _bounds: tuple[Decimal, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_tiers(self.tiers)
        for place, tier in enumerate(self.tiers):
            if tier.unit_price != ZERO:
                raise InvalidInput(
                    f"Tier {place + 1} has a unit price, but stairstep tiers have only a flat fee.",
                    code="invalid_tiers",
                    field=f"tiers.{place}.unit_price",
                )
        bounds = tuple(tier.up_to for tier in self.tiers if tier.up_to is not None)
        object.__setattr__(self, "_bounds", bounds)

    @classmethod
    def read(cls, document: Mapping[str, object]) -> Self:
        """Read the JSON shape."""
        return cls(tiers=read_tiers(document))

    def document(self) -> dict[str, object]:
        """Give the JSON shape."""
        return {"model": self.model, "tiers": tiers_document(self.tiers)}

    def price(self, quantity: Exact, _event_count: int = 0) -> Price:
        """Give the flat fee of the tier that holds the quantity.

        Source: CONTRACT 8. Worked example: with 10 up to 100 and 50 above, 101 units cost 50.
        """
        place = bisect_left(self._bounds, quantity)
        tier = self.tiers[place]
        row = TierAmount(
            starts_from=self._bounds[place - 1] if place else ZERO,
            up_to=tier.up_to,
            quantity=quantity,
            unit_price=ZERO,
            flat_fee=tier.flat_fee,
            amount=tier.flat_fee,
        )
        return Price(amount=tier.flat_fee, tiers=(row,), inputs={"tiers": 1})

    @classmethod
    def label(cls, _shown: StepInputs) -> str:
        """Give the model's name; its tiers have rows of their own."""
        return f", {cls.model}"
