"""Invariants 5 to 12: what each price model does, whatever the numbers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Context, Decimal, localcontext
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.money import exactly
from billing.pricing import Tier, UsagePricing, parse_pricing
from billing.pricing.graduated import Graduated
from billing.pricing.package import Package
from billing.pricing.per_unit import PerUnit
from billing.pricing.percentage import Percentage
from billing.pricing.stairstep import Stairstep
from billing.pricing.volume import Volume
from billing.rating.charge_bounds import Bounds, hold
from tests.billing.builders import d
from tests.billing.profiles import supporting, thorough
from tests.billing.strategies import (
    graduated,
    models,
    monotone_models,
    prices,
    quantities,
    tier_tables,
    volumes,
    whole,
)

ZERO = Decimal(0)


def amount(pricing: UsagePricing, quantity: Decimal, events: int = 0) -> Decimal:
    found = pricing.price(quantity, events).amount
    assert isinstance(found, Decimal)
    return found


def marginal_price(table: Graduated, unit: int) -> Decimal:
    """The price of the piece (unit - 1, unit] for tables with whole bounds."""
    for tier in table.tiers:
        if tier.up_to is None or unit <= tier.up_to:
            return tier.unit_price
    raise AssertionError


whole_tables = st.lists(
    st.tuples(st.integers(1, 9), st.integers(0, 5000)), min_size=1, max_size=5
).map(
    lambda rows: Graduated(
        tiers=tuple(
            Tier(
                up_to=None if place == len(rows) - 1 else d(sum(w for w, _ in rows[: place + 1])),
                unit_price=Decimal(price).scaleb(-3),
            )
            for place, (_, price) in enumerate(rows)
        )
    )
)


@thorough
@given(whole_tables, st.integers(0, 40), st.integers(0, 12))
def test_invariant_05_graduated_is_the_integral_of_the_marginal_price(
    table: Graduated, start: int, more: int
) -> None:
    grown = amount(table, d(start + more)) - amount(table, d(start))

    assert grown == sum(
        (marginal_price(table, u) for u in range(start + 1, start + more + 1)), ZERO
    )


@thorough
@given(graduated, quantities)
def test_invariant_12_the_tiers_reached_tile_the_quantity_and_add_up_to_the_amount(
    table: Graduated, quantity: Decimal
) -> None:
    price = table.price(quantity)
    rows = price.tiers

    assert rows[0].starts_from == ZERO
    assert all(before.up_to == after.starts_from for before, after in pairwise(rows))
    assert rows[-1].up_to is None or quantity <= rows[-1].up_to
    assert exactly(sum)((row.amount for row in rows), ZERO) == price.amount
    assert exactly(sum)((row.quantity for row in rows), ZERO) == quantity
    with localcontext(Context(prec=3)):
        assert table.price(quantity) == price, "the caller's decimal context must not matter"


@thorough
@given(volumes, quantities)
def test_invariant_06_volume_depends_on_the_total_and_takes_the_tier_that_holds_it(
    table: Volume, quantity: Decimal
) -> None:
    bounds = [tier.up_to for tier in table.tiers if tier.up_to is not None]
    holding = table.tiers[sum(bound < quantity for bound in bounds)]

    assert amount(table, quantity) == _line(quantity, holding)
    for edge in bounds:
        tier = next(one for one in table.tiers if one.up_to == edge)
        assert amount(table, edge) == _line(edge, tier)


@exactly
def _line(quantity: Decimal, tier: Tier) -> Decimal:
    return quantity * tier.unit_price + tier.flat_fee


@thorough
@given(volumes, quantities, quantities)
def test_invariant_06_volume_drops_only_where_a_bound_is_passed(
    table: Volume, one: Decimal, other: Decimal
) -> None:
    low, high = sorted((one, other))
    bounds = [tier.up_to for tier in table.tiers if tier.up_to is not None]

    if amount(table, high) < amount(table, low):
        assert any(low <= bound < high for bound in bounds)


@thorough
@given(monotone_models, quantities, quantities, st.integers(0, 5))
def test_invariant_07_more_usage_never_lowers_the_charge(
    pricing: UsagePricing, one: Decimal, other: Decimal, events: int
) -> None:
    low, high = sorted((one, other))

    assert amount(pricing, low, events) <= amount(pricing, high, events + 1)


@thorough
@given(models)
def test_invariant_08_nothing_used_costs_the_flat_part_only(pricing: UsagePricing) -> None:
    flat = ZERO
    if isinstance(pricing, (Graduated, Volume, Stairstep)):
        flat = pricing.tiers[0].flat_fee

    assert amount(pricing, ZERO) == flat


@thorough
@given(prices, quantities, tier_tables(fees=False))
def test_invariant_09_models_that_mean_the_same_cost_the_same(
    price: Decimal, quantity: Decimal, table: tuple[Tier, ...]
) -> None:
    expected = amount(PerUnit(unit_price=price), quantity)
    level = tuple(replace(tier, unit_price=price) for tier in table)

    assert amount(Graduated(tiers=(Tier(up_to=None, unit_price=price),)), quantity) == expected
    assert amount(Graduated(tiers=level), quantity) == expected
    assert amount(Volume(tiers=level), quantity) == expected


@thorough
@given(prices, whole(10**9))
def test_invariant_09_packages_of_one_are_per_unit(price: Decimal, quantity: Decimal) -> None:
    package = Package(package_size=Decimal(1), unit_price=price)

    assert amount(package, quantity) == amount(PerUnit(unit_price=price), quantity)


@exactly
def _doubled(pricing: UsagePricing) -> UsagePricing:
    match pricing:
        case PerUnit() | Package():
            return replace(pricing, unit_price=2 * pricing.unit_price)
        case Percentage():
            return replace(pricing, rate=2 * pricing.rate, fixed_fee=2 * pricing.fixed_fee)
        case Graduated() | Volume() | Stairstep():
            rows = tuple(
                replace(tier, unit_price=2 * tier.unit_price, flat_fee=2 * tier.flat_fee)
                for tier in pricing.tiers
            )
            return type(pricing)(tiers=rows)


@thorough
@given(models, quantities, st.integers(0, 5))
def test_invariant_10_doubled_prices_double_the_charge(
    pricing: UsagePricing, quantity: Decimal, events: int
) -> None:
    twice = amount(_doubled(pricing), quantity, events)

    assert twice == exactly(lambda: 2 * amount(pricing, quantity, events))()


@thorough
@given(models, quantities, prices, prices)
def test_invariant_11_bounds_hold_and_leave_alone_what_is_inside(
    pricing: UsagePricing, quantity: Decimal, one: Decimal, other: Decimal
) -> None:
    plain = pricing.price(quantity, 1)
    minimum, maximum = sorted((one, other))

    clamped = hold(plain, quantity, Bounds(minimum=minimum, maximum=maximum))

    assert minimum <= clamped.price.amount <= maximum
    if minimum <= plain.amount <= maximum:
        assert clamped.price == plain
        assert clamped.rule is None
    if clamped.price.tiers:
        total = exactly(sum)((row.amount for row in clamped.price.tiers), ZERO)
        assert total == clamped.price.amount


@thorough
@given(st.lists(st.one_of(st.none(), st.integers(-2, 9)), max_size=5))
def test_invariant_12_only_tables_that_tile_are_accepted(bounds: list[int | None]) -> None:
    finite = bounds[:-1]
    tiles = (
        len(bounds) > 0
        and bounds[-1] is None
        and None not in finite
        and all(low < high for low, high in zip([0, *finite], finite, strict=False))  # type: ignore[operator]  # never None here
    )
    table = tuple(Tier(up_to=None if bound is None else d(bound)) for bound in bounds)

    for model in (Graduated, Volume, Stairstep):
        if tiles:
            assert model(tiers=table).tiers == table
        else:
            with pytest.raises(InvalidInput) as refused:
                model(tiers=table)
            assert refused.value.code == "invalid_tiers"
            assert (refused.value.field or "").startswith("tiers")


@supporting
@given(models)
def test_models_survive_their_json_shape(pricing: UsagePricing) -> None:
    assert parse_pricing(pricing.document()) == pricing
