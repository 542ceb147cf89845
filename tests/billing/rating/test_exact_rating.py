"""Fees of events, fractions that are priced as they are, and lines that cannot be priced."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput, InvariantBroken
from billing.identifiers import ChargeId
from billing.invoicing.invoices import round_line
from billing.metering.aggregations import Aggregation
from billing.money import exactly
from billing.periods import Interval
from billing.pricing import UsagePricing
from billing.pricing.graduated import Graduated
from billing.pricing.package import Package
from billing.pricing.per_unit import PerUnit
from billing.pricing.percentage import Percentage
from billing.pricing.volume import Volume
from billing.rating.engines import Engine
from billing.rating.parts import Part
from billing.rating.periods import enforce_limits, price_quantities, rate_period
from billing.rating.quantities import MeteredUsage, measure_quantities, usage_windows
from billing.rating.terms import OverLimit
from billing.ratios import Ratio, add_up, quotient
from tests.billing import naive
from tests.billing.builders import (
    ANCHOR,
    CHARGE,
    JANUARY,
    USD,
    answer,
    d,
    limit,
    plan,
    rated,
    tiers,
    usage_charge,
)
from tests.billing.profiles import thorough
from tests.billing.rating.test_rating import QUARTER, small
from tests.billing.strategies import models


def test_every_counted_event_carries_its_fee_also_where_the_allowance_covers_its_amount() -> None:
    pricing = Percentage(rate=d("0.1"), fixed_fee=d(1))
    terms = plan(
        usage_charge(pricing, included="100"),
        features=[limit(None)],
        interval=Interval.QUARTER,
    )

    line = rated(terms, "100", "150", "0", span=QUARTER, events=3)

    assert (line.quantity, line.event_count) == (50, 9)
    assert line.exact_amount == d("14"), "0.1 × 50 and nine fees"


def test_a_fee_does_not_wait_for_the_allowance_to_be_passed() -> None:
    terms = plan(
        usage_charge(Percentage(rate=d("0.01"), fixed_fee=d("0.5")), included="100"),
    )

    assert rated(terms, "100", events=2).exact_amount == d("1")
    assert rated(terms, "100.01", events=3).exact_amount == d("1.5001")


@thorough
@given(st.lists(small, min_size=1, max_size=6), small, small, small)
def test_charges_per_event_equal_the_charge_on_the_sum(
    amounts: list[Decimal], rate: Decimal, fee: Decimal, included: Decimal
) -> None:
    pricing = Percentage(rate=rate, fixed_fee=fee)
    terms = plan(usage_charge(pricing, included=str(included)))
    total = exactly(sum)(amounts, d(0))

    line = rated(terms, str(total), events=len(amounts))

    left, expected = included, Fraction(0)
    for amount in amounts:
        taken = min(left, amount)
        left -= taken
        expected += Fraction(amount - taken) * Fraction(rate) + Fraction(fee)
    assert Fraction(str(line.exact_amount)) == expected


def test_the_first_engine_still_waives_the_fee_of_covered_windows() -> None:
    terms = plan(
        usage_charge(Percentage(rate=d("0.1"), fixed_fee=d(1)), included="100"),
        features=[limit(None)],
        interval=Interval.QUARTER,
    )
    usage = answer(terms, QUARTER, ["100", "150", "0"], events=3)

    (line,) = rate_period(terms, QUARTER, usage, Part(engine=Engine.FIRST))

    assert (line.exact_amount, line.event_count) == (d("11"), 6)


def test_the_mean_of_an_average_is_rounded_with_its_line_and_not_before() -> None:
    terms = plan(usage_charge(PerUnit(unit_price=d("0.015")), aggregation=Aggregation.AVG))
    (window,) = usage_windows(terms, JANUARY, ANCHOR)
    third = MeteredUsage(
        charge_id=CHARGE, window=window, aggregate=quotient(d(1), 3), event_count=3
    )

    (line,) = rate_period(terms, JANUARY, [third])
    (former,) = rate_period(terms, JANUARY, [third], Part(engine=Engine.FIRST))

    assert (line.quantity, line.exact_amount) == (Ratio(1, 3), d("0.005"))
    assert round_line(line, USD).line_total == d("0.01")
    assert former.quantity == d("0.33333333333333333333")
    assert round_line(former, USD).line_total == d("0.00")


@thorough
@given(models, small, st.integers(1, 60))
def test_every_model_prices_a_fraction_like_the_naive_one(
    pricing: UsagePricing, total: Decimal, divisor: int
) -> None:
    quantity = quotient(total, divisor)

    price = pricing.price(quantity, 1)

    expected = naive.price(pricing.document(), Fraction(str(quantity)), 1)
    assert Fraction(str(price.amount)) == expected
    if price.tiers:
        assert add_up(tier.amount for tier in price.tiers) == price.amount


def test_usage_of_a_charge_that_is_gone_stops_its_bill_by_name() -> None:
    terms, gone = plan(usage_charge()), ChargeId(UUID(int=99))
    usage = answer(terms, JANUARY, ["1500"])

    with pytest.raises(InvariantBroken) as stopped:
        measure_quantities(terms, JANUARY, [*usage, replace(usage[0], charge_id=gone)])

    assert stopped.value.identifiers["charge_id"] == str(gone)


def test_a_line_of_a_charge_that_is_gone_stops_its_bill_by_name() -> None:
    terms, gone = plan(usage_charge()), ChargeId(UUID(int=99))
    quantities = measure_quantities(terms, JANUARY, answer(terms, JANUARY, ["1500"]))
    (line,) = price_quantities(terms, JANUARY, quantities)

    with pytest.raises(InvariantBroken) as stopped:
        enforce_limits(terms, quantities, [replace(line, charge_id=gone)])

    assert stopped.value.identifiers["charge_id"] == str(gone)


def test_a_charge_that_was_not_measured_stops_its_bill_by_name() -> None:
    with pytest.raises(InvariantBroken) as stopped:
        price_quantities(plan(usage_charge()), JANUARY, ())

    assert stopped.value.identifiers["charge_id"] == str(CHARGE)


@pytest.mark.parametrize("over", OverLimit)
@pytest.mark.parametrize(
    "pricing",
    [PerUnit(unit_price=d("1.234")), Percentage(rate=d("1.234")),
     Graduated(tiers=tiers((None, "1.234"))), Volume(tiers=tiers((None, "1.234"))),
     Package(package_size=d("1E-399"), unit_price=d(1))],
    ids=lambda one: one.model,
)  # fmt: skip
def test_a_number_with_more_digits_than_are_kept_stops_its_bill_by_name(
    pricing: UsagePricing, over: OverLimit
) -> None:
    terms = plan(usage_charge(pricing), features=[limit("1", over=over)])
    usage = "1" + "0" * 200 + "." + "1" * 199

    with pytest.raises(InvariantBroken) as stopped:
        rated(terms, usage)

    assert stopped.value.code == "line_not_priced"
    assert stopped.value.identifiers["charge_id"] == str(CHARGE)


def test_a_plan_without_a_currency_is_never_rated() -> None:
    with pytest.raises(InvalidInput) as refused:
        plan(usage_charge(), currency="XAU")

    assert refused.value.code == "unknown_currency"
