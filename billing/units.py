"""Units of credit: a currency, or an organization's own such as tokens, with their finest part."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from billing.currencies import MINOR_UNIT_EXPONENTS
from billing.errors import InvalidInput
from billing.money import ONE, allocate_to, find_currency, round_half_away
from billing.ratios import Exact

LARGEST_SCALE: Final = 12
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,31}")


class Taxation(StrEnum):
    """When credit that is bought is taxed: as it pays for something, or as it is sold."""

    AT_USE = "at_use"
    AT_PURCHASE = "at_purchase"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What credit is counted in. ``scale`` is its number of decimal places: 2 for USD, 0 to 12.

    Source: CREDITS 13.
    """

    code: str
    scale: int
    taxation: Taxation = Taxation.AT_USE

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.code):
            raise InvalidInput(
                "code is 2 to 32 capital letters, digits and _, the first a letter.", field="code"
            )
        if type(self.scale) is not int or not 0 <= self.scale <= LARGEST_SCALE:
            raise InvalidInput(f"scale is 0 to {LARGEST_SCALE}.", field="scale")
        exponent = MINOR_UNIT_EXPONENTS.get(self.code)
        if exponent not in (None, self.scale):
            raise InvalidInput(
                f"{self.code} is a currency with {exponent} decimal places.", field="scale"
            )

    @property
    def is_currency(self) -> bool:
        """Whether it is money, so that bills in that currency are paid from it as they are."""
        return self.code in MINOR_UNIT_EXPONENTS

    @property
    def finest(self) -> Decimal:
        """The smallest amount of it, 0.01 for USD."""
        return ONE.scaleb(-self.scale)

    def round(self, amount: Exact) -> Decimal:
        """Give ``amount`` to the unit's scale, half away from zero."""
        return round_half_away(amount, self.scale)

    def share(self, total: Decimal, weights: tuple[Decimal, ...]) -> tuple[Decimal, ...]:
        """Share ``total`` out by largest remainder. Raises as :func:`billing.money.allocate`."""
        return allocate_to(total, weights, self.scale)

    def require_scale(self, amount: Decimal, *, field: str) -> Decimal:
        """Give an amount that the unit can say, at its scale.

        Raises: InvalidInput ``finer_than_unit``.
        """
        rounded = self.round(amount)
        if rounded != amount:
            raise InvalidInput(
                f"{field} has more than the {self.scale} decimal places of {self.code}.",
                code="finer_than_unit",
                field=field,
            )
        return rounded


def currency_unit(code: str, taxation: Taxation = Taxation.AT_USE) -> Unit:
    """The unit that a currency is. Raises: InvalidInput ``unknown_currency``."""
    currency = find_currency(code, field="unit")
    return Unit(code=currency.code, scale=currency.exponent, taxation=taxation)
