"""What a charge costs for usage and for a period, with the steps that led there."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given

from billing.errors import InvariantBroken
from billing.pricing import UsagePricing
from billing.pricing.package import Package
from billing.pricing.per_unit import PerUnit
from billing.rating.calculation import calculate_fixed, calculate_usage, measuring_steps
from billing.rating.charge_bounds import Bounds
from billing.rating.engines import Engine
from billing.rating.lines import LineType, PricedLine
from billing.rating.parts import Part
from billing.rating.periods import rate_period
from billing.rating.proration import WHOLE, Share
from billing.rating.terms import ChargeTerms
from billing.ratios import Ratio, add_up
from tests.billing.builders import (
    DOCUMENTED_TIERS,
    JANUARY,
    PER_CALL,
    d,
    fixed_charge,
    limit,
    measured,
    meter,
    plan,
    usage_charge,
)
from tests.billing.profiles import supporting
from tests.billing.strategies import models, quantities
from tests.billing.strategies import prices as amounts


def fixed_line(share: Share, charge: ChargeTerms | None = None) -> PricedLine:
    terms = plan(charge or fixed_charge())
    return rate_period(terms, JANUARY, [], Part(share=share))[0]


def test_fixed_charges_whole_and_in_part() -> None:
    whole = fixed_line(Share(covered=31, total=31))
    part = fixed_line(Share(covered=17, total=31))

    assert (whole.type, whole.exact_amount, whole.quantity) == (LineType.FIXED, 30, 1)
    assert (whole.unit_amount, whole.name, whole.description) == (
        30,
        "Platform fee",
        "Platform fee",
    )
    assert [one.name for one in whole.steps] == ["price"]
    assert dict(whole.steps[0].inputs) == {"model": "flat", "unit_price": "30"}
    assert (part.type, part.unit_amount) == (LineType.PRORATION, 30)
    assert part.share == Share(covered=17, total=31)
    assert [one.name for one in part.steps] == ["price", "prorate"]
    assert dict(part.steps[1].inputs) == {
        "amount": "30", "covered": "17", "total": "31", "basis": "day",
    }  # fmt: skip
    assert part.steps[1].output.startswith("16.4516129")
    assert (part.charge_id, part.model) == (fixed_charge().charge_id, "flat")
    assert (part.starts_at, part.ends_at) == (JANUARY.starts_at, JANUARY.ends_at)


def test_a_fixed_charge_without_a_label_takes_the_plans_name() -> None:
    line = fixed_line(Share(covered=1, total=1), fixed_charge(display_name=None))

    assert line.name == line.description == "Pay as you go"


def test_bounds_hold_for_fixed_charges_too() -> None:
    charge = replace(fixed_charge(), minimum=d(62))

    line = fixed_line(Share(covered=17, total=31), charge)

    assert (line.exact_amount, line.bound, line.steps[-1].name) == (34, "minimum", "minimum")


def test_a_charge_for_usage_has_no_fixed_amount() -> None:
    charge = usage_charge()

    with pytest.raises(InvariantBroken) as broken:
        calculate_fixed(charge, WHOLE)

    assert broken.value.detail == "A FIXED charge is not flat."
    assert broken.value.identifiers == {"charge_id": str(charge.charge_id)}


def test_a_price_step_says_the_model_the_quantity_and_each_number() -> None:
    found = calculate_usage(usage_charge(), d("82450"), 3)

    [price] = found.steps
    assert (found.amount, found.bound, found.tiers) == (d("82.45"), None, ())
    assert (price.name, price.output) == ("price", "82.45")
    assert dict(price.inputs) == {"model": "per_unit", "quantity": "82450", "unit_price": "0.001"}
    assert found.line_values == {"unit_amount": d("0.001")}


def test_a_group_is_calculated_by_its_own_price() -> None:
    package = Package(package_size=d(100), unit_price=d(5))

    found = calculate_usage(usage_charge(), d(101), 3, pricing=package)

    assert (found.amount, found.steps[0].inputs["model"]) == (10, "package")
    assert calculate_usage(usage_charge(package), d(101), 3) == found


def test_a_bound_that_moves_an_amount_is_the_last_step_and_keeps_the_price() -> None:
    dollar = usage_charge(PerUnit(unit_price=d(1)))

    found = calculate_usage(dollar, d(5), 1, Bounds(minimum=d(10), maximum=d(20)))

    price, bound = found.steps
    assert (found.amount, found.bound) == (10, "minimum")
    assert (price.output, bound.name, bound.output) == ("5", "minimum", "10")
    assert dict(bound.inputs) == {"amount": "5", "minimum": "10", "maximum": "20"}
    assert found.line_values == {"unit_amount": 1}


def test_a_bound_that_moves_nothing_leaves_no_trace() -> None:
    bounds = Bounds(minimum=d(1), maximum=d(20))

    found = calculate_usage(usage_charge(PER_CALL), d(5000), 1, bounds)

    assert found == calculate_usage(usage_charge(PER_CALL), d(5000), 1)


@supporting
@given(models, quantities, amounts, amounts)
def test_an_amount_is_its_price_within_its_bounds_and_its_tiers_add_up_to_it(
    pricing: UsagePricing, quantity: Decimal, one: Decimal, other: Decimal
) -> None:
    low, high = sorted((one, other))
    charge = usage_charge(pricing)

    plain = calculate_usage(charge, quantity, 2)
    held = calculate_usage(charge, quantity, 2, Bounds(minimum=low, maximum=high))

    assert plain.amount == pricing.price(quantity, 2).amount
    assert held.amount == min(max(plain.amount, low), high)
    assert held.bound == (
        "minimum" if plain.amount < low else "maximum" if plain.amount > high else None
    )
    for found in (plain, held):
        assert not found.tiers or add_up(one.amount for one in found.tiers) == found.amount
        assert d(found.steps[-1].output) == found.amount


def test_steps_of_measuring_go_from_the_events_to_what_is_billed() -> None:
    terms = plan(usage_charge(), features=[limit("1000")])

    aggregate, included = measuring_steps(meter(), measured(terms, "1500"))

    assert (aggregate.name, aggregate.output) == ("aggregate", "1500")
    assert dict(aggregate.inputs) == {"aggregation": "SUM", "event_count": "1", "windows": "1"}
    assert (included.name, included.output) == ("included_units", "500")
    assert dict(included.inputs) == {"measured": "1500", "included": "1000"}


@pytest.mark.parametrize(
    ("covered", "total", "first", "second"),
    [
        (17, 31, d("16.4516129032258064516129032258064516129032"), Ratio(510, 31)),
        (1, 3, d(10), d(10)),
        (1, 7, d("4." + "285714" * 6 + "2857"), Ratio(30, 7)),
        (31, 31, d(30), d(30)),
        (0, 31, d(0), d(0)),
    ],
)
def test_the_first_rules_kept_forty_places_of_a_share_and_the_present_ones_all(
    covered: int, total: int, first: Decimal, second: Decimal | Ratio
) -> None:
    share = Share(covered=covered, total=total)

    by_first = calculate_fixed(fixed_charge(), share, engine=Engine.FIRST)
    by_second = calculate_fixed(fixed_charge(), share, engine=Engine.SECOND)

    assert (by_first.amount, by_second.amount) == (first, second)
    assert calculate_fixed(fixed_charge(), share) == by_second


def test_a_fixed_charge_of_a_part_says_which_share_it_is() -> None:
    found = calculate_fixed(fixed_charge(), Share(covered=10, total=30))

    price, prorate = found.steps
    assert (price.name, price.output, found.amount) == ("price", "30", 10)
    assert dict(prorate.inputs) == {
        "amount": "30", "covered": "10", "total": "30", "basis": "day",
    }  # fmt: skip
    assert (prorate.name, prorate.output) == ("prorate", "10")


def test_tiers_that_a_maximum_cut_end_with_what_it_took_off() -> None:
    found = calculate_usage(usage_charge(DOCUMENTED_TIERS), d(15000), 1, Bounds(maximum=d(10)))

    assert [one.amount for one in found.tiers] == [2, 9, d("2.5"), d("-3.5")]
    assert [one.adjustment for one in found.tiers] == [None, None, None, "maximum"]
