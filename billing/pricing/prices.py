"""Prices: what a model makes of a quantity, with everything that the line and its words need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias, TypedDict

from billing.metering.tallies import Aggregation
from billing.pricing.tiers import TierAmount
from billing.ratios import Exact

Formatter: TypeAlias = Callable[[Decimal], str]


class LineValues(TypedDict, total=False):
    """The fields of a line that some models fill. A model without any of them fills none."""

    unit_amount: Decimal
    package_size: Decimal
    package_price: Decimal
    package_count: Decimal
    rate: Decimal
    fixed_fee: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A model's exact amount, with the tiers that add up to it (none if the model has no tiers).

    ``inputs`` are the numbers that the amount was made of, by name: the line's price step shows
    them, and its label is written from there.
    """

    amount: Exact
    tiers: tuple[TierAmount, ...] = ()
    inputs: Mapping[str, Exact | int] = field(default_factory=dict, compare=False)
    line_values: LineValues = field(default_factory=LineValues, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInputs:
    """The inputs of a line's price step, each written as people of its currency read it."""

    inputs: Mapping[str, str]
    price_text: Formatter
    quantity_text: Formatter

    def number(self, name: str) -> Decimal:
        """Give the input itself."""
        return Decimal(self.inputs[name])

    def price(self, name: str) -> str:
        """Write the input as a price."""
        return self.price_text(self.number(name))

    def quantity(self, name: str) -> str:
        """Write the input as a quantity."""
        return self.quantity_text(self.number(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterNeed:
    """The one aggregation that a model can price, and the sentence that refuses every other."""

    aggregation: Aggregation
    sentence: str
