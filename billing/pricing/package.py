"""The package model: units are sold in whole packages."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from billing.errors import InvalidInput
from billing.money import ZERO, exactly, require_decimals, require_not_negative
from billing.pricing.tiers import Price
from billing.ratios import Exact


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A price per package of ``package_size`` units; a package once begun is due."""

    model: ClassVar[str] = "package"
    package_size: Decimal
    unit_price: Decimal

    def __post_init__(self) -> None:
        require_decimals(package_size=self.package_size)
        require_not_negative(unit_price=self.unit_price)
        if self.package_size <= ZERO:
            raise InvalidInput("package_size must be above 0.", field="package_size")

    @exactly
    def count_packages(self, quantity: Exact) -> Decimal:
        """Give the number of packages begun. Worked example: 101 units in hundreds are 2."""
        whole, rest = divmod(quantity, self.package_size)
        return whole + (1 if rest > ZERO else 0)

    @exactly
    def price(self, quantity: Exact) -> Price:
        """Give packages begun × price of a package. Source: CONTRACT 8."""
        return Price(amount=self.count_packages(quantity) * self.unit_price)
