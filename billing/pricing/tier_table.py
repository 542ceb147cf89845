"""The tier table: what the models have in common that are their tiers and nothing else."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, Self

from billing.money import ZERO
from billing.pricing.prices import MeterNeed, StepInputs
from billing.pricing.tiers import Tier, check_tiers, read_tiers, tiers_document
from billing.ratios import Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class TierTable:
    """Tiers that price a quantity; how, each model says itself."""

    model: ClassVar[str]
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

    @classmethod
    def label(cls, _shown: StepInputs) -> str:
        """Give the model's name; its tiers have rows of their own."""
        return f", {cls.model}"

    def _place_of(self, quantity: Exact) -> int:
        """Which tier holds the quantity."""
        return bisect_left(self._bounds, quantity)

    def _lower(self, place: int) -> Decimal:
        """Where a tier begins."""
        return self._bounds[place - 1] if place else ZERO
