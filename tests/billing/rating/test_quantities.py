"""Quantities: what of a period's usage is included, billed and over, whatever order it comes in."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvariantBroken
from billing.identifiers import ChargeId
from billing.periods import Interval, Period
from billing.rating.engines import Engine
from billing.rating.quantities import (
    MeteredUsage,
    UsageWindow,
    measure_quantities,
    usage_by,
    usage_windows,
)
from billing.rating.terms import PlanTerms
from billing.ratios import Exact, Ratio, add_up
from tests.billing.builders import (
    ANCHOR,
    CHARGE,
    JANUARY,
    METER,
    answer,
    d,
    fixed_charge,
    limit,
    measured,
    plan,
    unmeasured,
    usage_charge,
    utc,
)
from tests.billing.profiles import supporting

QUARTER = Period(starts_at=utc("2025-01-01"), ends_at=utc("2025-04-01"))
MONTHS = plan(
    usage_charge(), features=[limit("1000", reset=Interval.MONTH)], interval=Interval.QUARTER
)
OTHER = ChargeId(UUID(int=20))


@pytest.mark.parametrize(
    ("included", "most", "earlier", "used", "expected"),
    [
        pytest.param("1000", "1000", "0", "1500", "1000 500 500 0", id="documented"),
        pytest.param("1000", "1000", "0", "1000", "1000 0 0 0", id="all of it and no more"),
        pytest.param("1000", "1000", "0", "0", "0 0 0 0", id="nothing"),
        pytest.param("0", "1000", "0", "1500", "0 1500 500 1000", id="a limit alone"),
        pytest.param("200", "1000", "0", "1500", "200 1300 500 800", id="included within it"),
        pytest.param("2000", "1000", "0", "1500", "1500 0 500 0", id="more is included"),
        pytest.param("1000", "1000", "600", "700", "400 300 300 0", id="a part was used before"),
        pytest.param("1000", "1000", "1000", "700", "0 700 700 0", id="all was used before"),
        pytest.param("1000", "1000", "5000", "1", "0 1 1 0", id="more was used before"),
        pytest.param("1000", "1000", "-50", "1200", "1000 200 200 0", id="less than none before"),
        pytest.param("1000", "1000", "0", "-50", "0 0 0 0", id="less than none"),
        pytest.param("0.5", "1", "0.25", "1", "0.25 0.75 0.25 0.5", id="parts of a unit"),
    ],
)
def test_allowance_and_limit_of_a_window(
    included: str, most: str, earlier: str, used: str, expected: str
) -> None:
    """Included, billed, over the limit, and billed within it, in a year of months."""
    terms = plan(usage_charge(included=included), features=[limit(most, reset=Interval.YEAR)])
    march = Period(starts_at=utc("2025-03-01"), ends_at=utc("2025-04-01"))

    found = measured(terms, earlier, used, span=march)

    assert found.measured == d(used)
    assert [found.included, found.billable, found.over_limit, found.billable_within_limit] == [
        d(one) for one in expected.split()
    ]
    assert found.windows[0].earlier == d(earlier)


amounts = st.integers(-20, 300).map(lambda one: Decimal(one) / 10)


@supporting
@given(
    used=st.tuples(amounts, amounts, amounts),
    included=st.integers(0, 20),
    most=st.none() | st.integers(0, 25),
)
def test_windows_are_measured_unit_by_unit(
    used: tuple[Decimal, Decimal, Decimal], included: int, most: int | None
) -> None:
    """Tenths in a row: the first are included, those behind the limit are over."""
    terms = plan(
        usage_charge(included=str(included)),
        features=[limit(None if most is None else str(most), reset=Interval.MONTH)],
        interval=Interval.QUARTER,
    )
    if included == 0 and most is None:
        return  # One window is read then.

    found = measured(terms, *map(str, used), span=QUARTER)

    for window, amount in zip(found.windows, used, strict=True):
        tenths = range(max(0, int(amount * 10)))
        is_over = [most is not None and one >= most * 10 for one in tenths]
        is_included = [one < included * 10 for one in tenths]
        assert window.included * 10 == sum(is_included)
        assert window.billable * 10 == len(tenths) - sum(is_included)
        assert window.over_limit * 10 == sum(is_over)
        within = [
            not over and not inside for over, inside in zip(is_over, is_included, strict=True)
        ]
        assert window.billable_within_limit * 10 == sum(within)
    assert found.billable == add_up(one.billable for one in found.windows)
    assert found.measured == sum(used)


@supporting
@given(order=st.permutations([0, 1, 2]))
def test_answers_may_come_in_any_order(order: list[int]) -> None:
    usage = answer(MONTHS, QUARTER, ["1500", "200", "1000"])

    found = measure_quantities(MONTHS, QUARTER, [usage[place] for place in order])

    assert found == measure_quantities(MONTHS, QUARTER, usage)


def broken(terms: PlanTerms, span: Period, usage: list[MeteredUsage]) -> InvariantBroken:
    with pytest.raises(InvariantBroken) as refused:
        measure_quantities(terms, span, usage)
    return refused.value


def test_a_period_is_covered_once_and_to_its_ends() -> None:
    first, second, third = answer(MONTHS, QUARTER, ["1", "2", "3"])
    short = replace(third, window=replace(third.window, ends_at=utc("2025-03-31")))
    early = replace(first, window=replace(first.window, starts_at=utc("2024-12-31")))

    for usage in (
        [],
        [first, second],
        [second, third],
        [first, third],
        [first, second, second, third],
        [first, second, short],
        [early, second, third],
    ):
        found = broken(MONTHS, QUARTER, usage)
        assert found.detail == "The usage of a charge does not cover its period exactly once."
        assert found.identifiers == {"charge_id": str(CHARGE)}


def test_usage_of_another_charge_stops_the_bill() -> None:
    [usage] = answer(plan(usage_charge()), JANUARY, ["1"])

    found = broken(plan(usage_charge()), JANUARY, [usage, replace(usage, charge_id=OTHER)])

    assert found.identifiers == {"charge_id": str(OTHER)}
    assert broken(plan(fixed_charge()), JANUARY, [usage]).identifiers == {"charge_id": str(CHARGE)}


def test_a_plan_of_fixed_charges_measures_nothing() -> None:
    assert usage_windows(plan(fixed_charge()), JANUARY, ANCHOR) == ()
    assert measure_quantities(plan(fixed_charge()), JANUARY, []) == ()


def test_a_window_asks_for_its_charge_and_meter() -> None:
    [found] = usage_windows(plan(usage_charge()), JANUARY, ANCHOR)

    assert found == UsageWindow(
        charge_id=CHARGE, meter_id=METER, starts_at=JANUARY.starts_at, ends_at=JANUARY.ends_at
    )


@pytest.mark.parametrize(
    ("aggregate", "first"),
    [
        (Ratio(1, 3), d("0." + "3" * 20)),
        (Ratio(2, 3), d("0." + "6" * 19 + "7")),
        (Ratio(-2, 3), d("-0." + "6" * 19 + "7")),
        (d("0.1"), d("0.1")),
        (d("1." + "0" * 24 + "9"), d(1)),
    ],
)
def test_the_first_rules_knew_twenty_places_of_a_mean(aggregate: Exact, first: Decimal) -> None:
    usage = (replace(unmeasured(1), aggregate=aggregate),)

    assert usage_by(Engine.SECOND, usage) == usage
    [found] = usage_by(Engine.FIRST, usage)
    assert found.aggregate == first
    assert replace(found, aggregate=aggregate) == usage[0]


@pytest.mark.parametrize(
    ("used", "first", "second"),
    [
        ("0 500 1500", 2, 3),
        ("1500 1500 1500", 3, 3),
        ("1000 1000 1000", 0, 3),
        ("0 0 0", 3, 3),
    ],
)
def test_events_that_a_fee_is_due_for(used: str, first: int, second: int) -> None:
    """One event a month: the first rules waived the fee of a window whose usage was included."""
    usage = answer(MONTHS, QUARTER, used.split())

    for engine, charged in ((Engine.FIRST, first), (Engine.SECOND, second)):
        [found] = measure_quantities(MONTHS, QUARTER, usage, engine=engine)
        assert (found.event_count, found.billable_event_count) == (3, charged)


def test_thirds_are_included_and_billed_exactly() -> None:
    terms = plan(usage_charge(included="0.5"))
    usage = replace(answer(terms, JANUARY, ["1"])[0], aggregate=Ratio(2, 3))

    [found] = measure_quantities(terms, JANUARY, [usage])

    assert (found.included, found.billable) == (d("0.5"), Ratio(1, 6))
