"""The package model: units are sold in whole packages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from billing.errors import InvalidInput
from billing.money import ONE, ZERO, exactly, require_decimals, require_not_negative
from billing.pricing.json_fields import read_number, refuse_unknown
from billing.pricing.prices import MeterNeed, Price, StepInputs
from billing.ratios import Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A price per package of ``package_size`` units; a package once begun is due."""

    model: ClassVar[str] = "package"
    needs: ClassVar[MeterNeed | None] = None

    package_size: Decimal
    unit_price: Decimal

    def __post_init__(self) -> None:
        require_decimals(package_size=self.package_size)
        require_not_negative(unit_price=self.unit_price)
        if self.package_size <= ZERO:
            raise InvalidInput("package_size must be above 0.", field="package_size")

    @classmethod
    def read(cls, document: Mapping[str, object]) -> Self:
        """Read the JSON shape."""
        refuse_unknown(document, {"model", "package_size", "unit_price"})
        return cls(
            package_size=read_number(document, "package_size"),
            unit_price=read_number(document, "unit_price"),
        )

    def document(self) -> dict[str, object]:
        """Give the JSON shape."""
        return {
            "model": self.model,
            "package_size": self.package_size,
            "unit_price": self.unit_price,
        }

    @exactly
    def count_packages(self, quantity: Exact) -> Decimal:
        """Give the number of packages begun. Worked example: 101 units in hundreds are 2."""
        whole, rest = divmod(quantity, self.package_size)
        return whole + (1 if rest > ZERO else 0)

    @exactly
    def price(self, quantity: Exact, _event_count: int = 0) -> Price:
        """Give packages begun × price of a package. Source: CONTRACT 8."""
        count = self.count_packages(quantity)
        return Price(
            amount=count * self.unit_price,
            inputs={
                "package_size": self.package_size,
                "packages": count,
                "unit_price": self.unit_price,
            },
            line_values={
                "package_size": self.package_size,
                "package_price": self.unit_price,
                "package_count": count,
            },
        )

    @staticmethod
    def label(shown: StepInputs) -> str:
        """Give the packages begun. Worked example: ``, 13 packages of 100 × $5``."""
        noun = "package" if shown.number("packages") == ONE else "packages"
        packages = f"{shown.quantity('packages')} {noun} of {shown.quantity('package_size')}"
        return f", {packages} × {shown.price('unit_price')}"
