"""The volume model: the tier that holds the total prices every unit."""

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
from billing.ratios import Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A tier table in which the whole quantity is priced by the one tier that holds it."""

    model: ClassVar[str] = "volume"
    needs: ClassVar[MeterNeed | None] = None

    tiers: tuple[Tier, ...]
    _bounds: tuple[Decimal, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_tiers(self.tiers)
        bounds = tuple(tier.up_to for tier in self.tiers if tier.up_to is not None)
        object.__setattr__(self, "_bounds", bounds)

    @classmethod
    def read(cls, document: Mapping[str, object]) -> Self:
        """Read the JSON shape."""
        return cls(tiers=read_tiers(document))

    def document(self) -> dict[str, object]:
        """Give the JSON shape."""
        return {"model": self.model, "tiers": tiers_document(self.tiers)}

    @exactly
    def price(self, quantity: Exact, _event_count: int = 0) -> Price:
        """Give quantity × the tier's price + the tier's flat fee.

        Source: CONTRACT 8. Worked example: 15,000 calls in a tier at 0.0005 cost 7.50.
        """
        place = bisect_left(self._bounds, quantity)
        tier = self.tiers[place]
        amount = quantity * tier.unit_price + tier.flat_fee
        row = TierAmount(
            starts_from=self._bounds[place - 1] if place else ZERO,
            up_to=tier.up_to,
            quantity=quantity,
            unit_price=tier.unit_price,
            flat_fee=tier.flat_fee,
            amount=amount,
        )
        return Price(amount=amount, tiers=(row,), inputs={"tiers": 1})

    @classmethod
    def label(cls, _shown: StepInputs) -> str:
        """Give the model's name; its tiers have rows of their own."""
        return f", {cls.model}"
