"""Taxes: which rates apply to an address, and what each comes to on a bill."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

from billing.errors import InvalidInput
from billing.identifiers import TaxRateId
from billing.invoicing.tax_categories import Exemption, TaxCategory, exemption_of, require_category
from billing.money import ZERO, Currency, exactly, require_not_negative, round_half_away

_HIGHEST_PERCENTAGE: Final = 1000
_COUNTRY: Final = re.compile("[A-Za-z]{2}")


class TaxStatus(StrEnum):
    """Whether tax was calculated, and if not, why (CONTRACT 55)."""

    CALCULATED = "calculated"
    NO_RATE = "no_rate"
    NO_COUNTRY = "no_country"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the customer is billed: ISO 3166-1 alpha-2 country, and the state's own code."""

    country: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRate:
    """A rate of tax. Units: ``percentage`` 18 is 18 %.

    ``category`` says as what a rate of 0 is meant, ``exemption_reason`` why in the seller's words.
    """

    tax_rate_id: TaxRateId
    name: str
    country: str
    percentage: Decimal
    state: str | None = None
    is_inclusive: bool = False
    category: TaxCategory | None = None
    exemption_reason: str | None = None

    def __post_init__(self) -> None:
        require_not_negative(percentage=self.percentage)
        require_category(self.category, self.percentage, self.exemption_reason)
        if self.percentage > _HIGHEST_PERCENTAGE:
            raise InvalidInput("percentage is above 1,000.", field="percentage")
        if not _COUNTRY.fullmatch(self.country):
            raise InvalidInput("country is an ISO 3166-1 alpha-2 code.", field="country")

    def applies_to(self, address: Address) -> bool:
        """Whether the address lies in the rate's country, and in its state if it names one."""
        if not _same(self.country, address.country):
            return False
        return self.state is None or _same(self.state, address.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxAmount:
    """One rate's tax on a bill: ``amount`` is rounded, ``taxable`` is what it was computed on."""

    tax_rate_id: TaxRateId
    name: str
    percentage: Decimal
    is_inclusive: bool
    taxable: Decimal
    amount: Decimal
    category: TaxCategory | None = None
    exemption_reason: str | None = None

    @property
    def exemption(self) -> Exemption | None:
        """Why there is no tax, where its category says that there is a reason."""
        if self.category is None:
            return None
        return exemption_of(self.category, self.exemption_reason)


AnyRate: TypeAlias = TaxRate | TaxAmount
"""A rate in force, or one that a bill was taxed by."""


def match_rates(rates: Iterable[TaxRate], address: Address) -> tuple[TaxRate, ...]:
    """Give every rate that applies to an address: those of the country and those of the state.

    Source: CONTRACT 27. Worked example: Quebec has Canada's 5 % and its own 9.975 %.
    """
    return tuple(rate for rate in rates if rate.applies_to(address))


def tax_status(rates: Sequence[TaxRate], address: Address) -> TaxStatus:
    """Say whether tax can be calculated for an address, given the rates that match it."""
    if not (address.country or "").strip():
        return TaxStatus.NO_COUNTRY
    return TaxStatus.CALCULATED if rates else TaxStatus.NO_RATE


@exactly
def calculate_taxes(
    billed: Decimal, rates: Sequence[AnyRate], currency: Currency
) -> tuple[TaxAmount, ...]:
    """Give each rate's tax on a sum of rounded lines, rounded once per rate.

    Exclusive rates come on top of the net amount; inclusive ones are contained in ``billed``, all
    of them together. Source: CONTRACT 26, 27, 55. Worked example: 18 % of 1,700 is 306; in 118
    with 18 % included are 18.
    """
    contained = sum((rate.percentage for rate in rates if rate.is_inclusive), ZERO)
    # The net amount is billed × 100 / (100 + contained): kept as a fraction, so rounded once.
    divisor = 100 + contained
    return tuple(
        TaxAmount(
            tax_rate_id=rate.tax_rate_id,
            name=rate.name,
            percentage=rate.percentage,
            is_inclusive=rate.is_inclusive,
            taxable=round_half_away(billed * 100, currency.exponent, divisor=divisor),
            amount=round_half_away(billed * rate.percentage, currency.exponent, divisor=divisor),
            category=rate.category,
            exemption_reason=rate.exemption_reason,
        )
        for rate in rates
    )


@exactly
def added_tax(taxes: Iterable[TaxAmount]) -> Decimal:
    """What comes on top of the lines: the taxes that are not in their prices."""
    return sum((one.amount for one in taxes if not one.is_inclusive), ZERO)


def _same(left: str, right: str | None) -> bool:
    return right is not None and left.strip().upper() == right.strip().upper()


@exactly
def with_most_tax(billed: Decimal, rates: Sequence[AnyRate], currency: Currency) -> Decimal:
    """What a sum of lines, or any part of it, comes to at most with its taxes, however rounded."""
    percentages = sum((one.percentage for one in rates), ZERO)
    finest = Decimal(1).scaleb(-currency.exponent)
    return billed + billed * percentages / 100 + len(rates) * finest
