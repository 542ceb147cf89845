"""Cheap strategies: decimals are scaled integers, tier tables are sums of widths."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from billing.pricing import Tier, UsagePricing
from billing.pricing.graduated import Graduated
from billing.pricing.package import Package
from billing.pricing.per_unit import PerUnit
from billing.pricing.percentage import Percentage
from billing.pricing.stairstep import Stairstep
from billing.pricing.volume import Volume


def decimals(maximum: int, places: int) -> st.SearchStrategy[Decimal]:
    """Give decimals from 0 to ``maximum`` with at most so many places."""
    top = maximum * 10**places
    return st.integers(0, top).map(lambda number: Decimal(number).scaleb(-places))


def whole(maximum: int) -> st.SearchStrategy[Decimal]:
    """Give whole numbers from 0."""
    return st.integers(0, maximum).map(Decimal)


quantities = st.one_of(whole(60), decimals(60, 3), decimals(10**12, 6))
prices = st.one_of(decimals(9, 3), decimals(2, 14))


class _Digits:
    """Reads small numbers off one large one: far cheaper to draw than a list of tuples."""

    def __init__(self, number: int) -> None:
        self.number = number

    def below(self, bound: int) -> int:
        self.number, digit = divmod(self.number, bound)
        return digit


def _table(number: int, *, fees: bool, priced: bool) -> tuple[Tier, ...]:
    digits = _Digits(number)
    count, places = 1 + digits.below(5), (0, 0, 2)[digits.below(3)]
    upper = Decimal(0)
    table = []
    for place in range(count):
        price = Decimal(digits.below(5001)).scaleb(-3)
        fee = Decimal(digits.below(901)).scaleb(-2)
        upper += Decimal(1 + digits.below(2000)).scaleb(-places)
        table.append(
            Tier(
                up_to=None if place == count - 1 else upper,
                unit_price=price if priced else Decimal(0),
                flat_fee=fee if fees else Decimal(0),
            )
        )
    return tuple(table)


def tier_tables(*, fees: bool = True, priced: bool = True) -> st.SearchStrategy[tuple[Tier, ...]]:
    """Give valid tables of one to five tiers; bounds are whole or have two places."""
    span = 15 * (5001 * 901 * 2000) ** 5
    return st.integers(0, span).map(lambda number: _table(number, fees=fees, priced=priced))


graduated = tier_tables().map(lambda table: Graduated(tiers=table))
volumes = tier_tables().map(lambda table: Volume(tiers=table))
stairsteps = tier_tables(priced=False).map(lambda table: Stairstep(tiers=table))
per_units = prices.map(lambda price: PerUnit(unit_price=price))
packages = st.builds(
    lambda size, price: Package(package_size=size + 1, unit_price=price), whole(50), prices
)
percentages = st.builds(
    lambda rate, fee: Percentage(rate=rate, fixed_fee=fee), decimals(1, 4), decimals(1, 2)
)
monotone_models: st.SearchStrategy[UsagePricing] = st.one_of(
    graduated, per_units, packages, percentages
)
models: st.SearchStrategy[UsagePricing] = st.one_of(
    graduated, volumes, stairsteps, per_units, packages, percentages
)
