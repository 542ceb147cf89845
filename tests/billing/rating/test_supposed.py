"""Supposed usage: what people say that would be used, spread over the windows of a period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.identifiers import ChargeId, MeterId
from billing.metering.aggregations import Aggregation
from billing.periods import Interval
from billing.pricing.per_unit import PerUnit
from billing.rating.groups import Grouping, GroupPrice
from billing.rating.periods import rate_period
from billing.rating.quantities import MeteredUsage
from billing.rating.supposed import Supposed, suppose_usage
from billing.rating.terms import PlanTerms
from billing.ratios import Exact
from tests.billing.builders import (
    ANCHOR,
    CHARGE,
    METER,
    first_period,
    limit,
    plan,
    usage_charge,
)
from tests.billing.profiles import thorough

NOBODY: Mapping[str, str] = MappingProxyType({})
QUARTER = plan(
    usage_charge(), features=[limit("1000", reset=Interval.MONTH)], interval=Interval.MONTH, count=3
)


def supposed(
    quantity: str | Decimal, *, meter_id: MeterId = METER, events: int | None = None
) -> Supposed:
    return Supposed(
        meter_id=meter_id, quantity=Decimal(quantity), event_count=events, properties=NOBODY
    )


def fraction_of(number: Exact) -> Fraction:
    if isinstance(number, Decimal):
        return Fraction(number)
    return Fraction(number.numerator, number.denominator)


def answers(terms: PlanTerms, *said: Supposed) -> tuple[MeteredUsage, ...]:
    return suppose_usage(terms, first_period(terms), ANCHOR, said)


def test_calls_of_a_quarter_are_spread_over_its_months() -> None:
    found = answers(QUARTER, supposed("3000", events=7))

    assert [one.aggregate for one in found] == [1000, 1000, 1000]
    # What is left over comes in the first windows.
    assert [one.event_count for one in found] == [3, 2, 2]


def test_an_allowance_of_each_month_is_used_up_in_each() -> None:
    within = rate_period(QUARTER, first_period(QUARTER), answers(QUARTER, supposed("3000")))
    beyond = rate_period(QUARTER, first_period(QUARTER), answers(QUARTER, supposed("3600")))

    assert (within[0].exact_amount, beyond[0].exact_amount) == (0, Decimal("0.6"))


def test_a_meter_of_which_nothing_is_supposed_was_not_used() -> None:
    found = answers(QUARTER)

    assert [(one.aggregate, one.event_count) for one in found] == [(0, 0)] * 3


def test_two_quantities_of_a_sum_are_added_up() -> None:
    monthly = plan(usage_charge())

    [found] = answers(monthly, supposed("1.5", events=2), supposed("2", events=3))

    assert (found.aggregate, found.event_count) == (Decimal("3.5"), 5)


def test_a_count_is_of_as_many_events_as_it_comes_to() -> None:
    monthly = plan(usage_charge(aggregation=Aggregation.COUNT))

    [found] = answers(monthly, supposed("12"))

    assert (found.aggregate, found.event_count) == (12, 12)


@pytest.mark.parametrize(("quantity", "events"), [("0", 0), ("0.5", 1), ("100", 1)])
def test_where_nobody_says_how_many_events_there_were_something_is_one(
    quantity: str, events: int
) -> None:
    [found] = answers(plan(usage_charge()), supposed(quantity))

    assert found.event_count == events


@pytest.mark.parametrize(
    ("aggregation", "said", "field"),
    [
        (Aggregation.SUM, [supposed("1", meter_id=MeterId(UUID(int=99)))], "quantities.0.meter_id"),
        (Aggregation.COUNT, [supposed("1.5")], "quantities.0.quantity"),
        (Aggregation.MAX, [supposed("1"), supposed("2")], "quantities.1.meter_id"),
        (Aggregation.UNIQUE_COUNT, [supposed("1"), supposed("2")], "quantities.1.meter_id"),
    ],
)
def test_what_cannot_be_supposed_is_named_by_its_place(
    aggregation: Aggregation, said: list[Supposed], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        answers(plan(usage_charge(aggregation=aggregation)), *said)

    assert (refused.value.code, refused.value.field) == ("invalid_quantity", field)


@thorough
@given(
    quantity=st.decimals("0", "1000000000", places=6),
    events=st.integers(0, 1000),
)
def test_windows_together_are_what_was_supposed(quantity: Decimal, events: int) -> None:
    found = answers(QUARTER, supposed(quantity, events=events))

    shares = [fraction_of(one.aggregate) for one in found]
    assert sum(shares) == Fraction(quantity)
    assert len(set(shares)) == 1
    assert sum(one.event_count for one in found) == events
    assert max(one.event_count for one in found) - min(one.event_count for one in found) <= 1


def by_region(*values: str) -> PlanTerms:
    prices = tuple(
        GroupPrice(values=(one,), pricing=PerUnit(unit_price=Decimal(place + 1)))
        for place, one in enumerate(values)
    )
    grouping = Grouping(properties=("region",), prices=prices)
    return plan(replace(usage_charge(), grouping=grouping))


def said_of(quantity: str, **properties: str) -> Supposed:
    return replace(supposed(quantity), properties=properties)


def test_what_is_supposed_of_a_value_has_the_price_of_the_value() -> None:
    terms = by_region("eu", "us")

    lines = rate_period(
        terms,
        first_period(terms),
        answers(
            terms,
            said_of("10", region="us"),
            said_of("5", region="eu", model="large"),
            said_of("3000", region="asia"),
            said_of("1000", model="large"),
        ),
    )

    assert [(one.name, one.exact_amount) for one in lines] == [
        ("API Calls · eu", 5),
        ("API Calls · us", 20),
        ("API Calls · other region", 3),
        ("API Calls · no region", 1),
    ]


def test_properties_say_nothing_of_a_charge_that_tells_nothing_apart() -> None:
    [found] = answers(plan(usage_charge()), said_of("10", region="us"), said_of("5"))

    assert (found.aggregate, found.groups) == (15, ())


def test_two_charges_on_a_meter_are_both_supposed() -> None:
    other = ChargeId(UUID(int=20))
    terms = plan(usage_charge(), usage_charge(charge_id=other))

    found = answers(terms, supposed("10", events=4))

    assert [(one.charge_id, one.aggregate, one.event_count) for one in found] == [
        (CHARGE, 10, 4),
        (other, 10, 4),
    ]


def test_a_level_is_supposed_of_the_whole_period() -> None:
    terms = plan(usage_charge(aggregation=Aggregation.WEIGHTED_SUM))

    [found] = answers(terms, supposed("2.5"))

    assert (found.aggregate, found.event_count) == (Decimal("2.5"), 1)
