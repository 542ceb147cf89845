"""The per-unit model: every unit costs the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from billing.money import exactly, require_not_negative
from billing.pricing.json_fields import read_number, refuse_unknown
from billing.pricing.prices import MeterNeed, Price, StepInputs
from billing.ratios import Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class PerUnit:
    """A price per unit, in major units."""

    model: ClassVar[str] = "per_unit"
    needs: ClassVar[MeterNeed | None] = None

    unit_price: Decimal

    def __post_init__(self) -> None:
        require_not_negative(unit_price=self.unit_price)

    @classmethod
    def read(cls, document: Mapping[str, object]) -> Self:
        """Read the JSON shape."""
        refuse_unknown(document, {"model", "unit_price"})
        return cls(unit_price=read_number(document, "unit_price"))

    def document(self) -> dict[str, object]:
        """Give the JSON shape."""
        return {"model": self.model, "unit_price": self.unit_price}

    @exactly
    def price(self, quantity: Exact, _event_count: int = 0) -> Price:
        """Give quantity × unit price. Worked example: 82,450 × 0.001 is 82.45."""
        return Price(
            amount=quantity * self.unit_price,
            inputs={"unit_price": self.unit_price},
            line_values={"unit_amount": self.unit_price},
        )

    @staticmethod
    def label(shown: StepInputs) -> str:
        """Give the price of a unit. Worked example: ``× $0.001``."""
        return f" × {shown.price('unit_price')}"
