"""Invariants 13 to 17: what each aggregation makes of events, and what an event is worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Context, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.metering.aggregations import (
    Aggregation,
    Measurement,
    MeterTerms,
    aggregate,
)
from billing.periods import Period
from billing.ratios import Exact, Ratio, add_up
from tests.billing.builders import JANUARY, METER, d, utc
from tests.billing.profiles import thorough

SPAN = 1000  # The tests' period is a thousand seconds long.
PERIOD = Period(starts_at=utc("2025-01-01"), ends_at=utc("2025-01-01T00:16:40"))


def at(
    second: int, value: str | int | Decimal = 1, sequence: int = 0, key: str = ""
) -> Measurement:
    return Measurement(
        at=PERIOD.starts_at + timedelta(seconds=second),
        sequence=sequence,
        value=Decimal(value),
        distinct_key=key or None,
    )


def _read(codes: list[int]) -> list[Measurement]:
    """Events from one integer each: second, value with places, key; the place is the sequence."""
    return [
        at(
            code % 1400 - 200,
            Decimal(code // 1400 % 5000).scaleb(-(code % 4)),
            place,
            str(code % 5),
        )
        for place, code in enumerate(codes)
    ]


events = st.lists(st.integers(0, 1400 * 5000), max_size=7).map(_read)
shuffles = st.randoms(use_true_random=False)


def usage(kind: Aggregation, some: list[Measurement], span: Period = PERIOD) -> Exact:
    return aggregate(kind, some, span)


@thorough
@given(events, st.integers(0, 10**6))
def test_invariant_13_order_repeats_and_splits_change_nothing_that_they_must_not(
    some: list[Measurement], turn: int
) -> None:
    cut = turn % (len(some) + 1)
    turned = some[cut:] + some[:cut]

    for kind in Aggregation:
        assert usage(kind, turned) == usage(kind, some)
    for kind in (Aggregation.MAX, Aggregation.MIN, Aggregation.UNIQUE_COUNT, Aggregation.LAST):
        assert usage(kind, some + turned) == usage(kind, some)
    halves = [replace(one, value=one.value / 2) for one in some]
    assert usage(Aggregation.SUM, halves + halves) == usage(Aggregation.SUM, some)


@thorough
@given(events)
def test_invariant_13_last_depends_on_timestamp_and_sequence_only(some: list[Measurement]) -> None:
    inside = [one for one in some if one.at in PERIOD]
    newest = Decimal(0)
    best = (PERIOD.starts_at, -1)
    for one in inside:
        if (one.at, one.sequence) > best:
            best, newest = (one.at, one.sequence), one.value

    assert usage(Aggregation.LAST, some) == newest


@thorough
@given(events)
def test_invariant_14_weighted_sum_is_the_mean_of_the_step_function(
    some: list[Measurement],
) -> None:
    inside = sorted((one for one in some if one.at in PERIOD), key=lambda one: one.at)
    area, level, second = Fraction(0), Fraction(0), 0
    for one in inside:
        moment = int((one.at - PERIOD.starts_at).total_seconds())
        area += level * (moment - second)
        level, second = level + Fraction(one.value), moment
    area += level * (SPAN - second)

    mean_of_level = usage(Aggregation.WEIGHTED_SUM, some)

    assert Fraction(str(mean_of_level)) == area / SPAN
    assert usage(Aggregation.WEIGHTED_SUM, [*some, at(500, 0)]) == mean_of_level


@thorough
@given(events, st.integers(0, SPAN))
def test_invariant_15_a_period_is_the_combination_of_its_parts(
    some: list[Measurement], cut: int
) -> None:
    middle = PERIOD.starts_at + timedelta(seconds=cut)
    parts = (
        Period(starts_at=PERIOD.starts_at, ends_at=middle),
        Period(starts_at=middle, ends_at=PERIOD.ends_at),
    )

    for kind in (Aggregation.SUM, Aggregation.COUNT):
        assert kind.definition.is_additive
        assert add_up(usage(kind, some, part) for part in parts) == usage(kind, some)
    assert max(usage(Aggregation.MAX, some, part) for part in parts) == usage(Aggregation.MAX, some)


@thorough
@given(events, st.integers(100, 2 * SPAN))
def test_invariant_16_an_event_is_counted_in_one_period(
    some: list[Measurement], length: int
) -> None:
    spans = [
        Period(
            starts_at=PERIOD.starts_at + timedelta(seconds=edge),
            ends_at=PERIOD.starts_at + timedelta(seconds=edge + length),
        )
        for edge in range(-400, 1400, length)
    ]

    assert add_up(usage(Aggregation.COUNT, some, span) for span in spans) == len(some)


@thorough
@given(events, st.integers(0, SPAN - 1), st.integers(0, 10**9))
def test_invariant_17_zero_changes_no_sum_and_a_void_takes_exactly_its_event(
    some: list[Measurement], second: int, value: int
) -> None:
    event = at(second, value)
    before = usage(Aggregation.SUM, some)

    assert usage(Aggregation.SUM, [*some, at(second, 0)]) == before
    assert usage(Aggregation.SUM, [*some, event]) - event.value == before


def test_documented_worked_values() -> None:
    def measured(kind: Aggregation, *values: int) -> Exact:
        return usage(kind, [at(n, value, n) for n, value in enumerate(values)])

    assert measured(Aggregation.SUM, 100, 250, 50, 600) == 1000
    assert measured(Aggregation.MAX, 15, 42, 7, 38, 55, 12) == 55
    assert measured(Aggregation.MIN, 15, 42, 7, 38, 55, 12) == 7
    assert measured(Aggregation.LAST, 15, 42, 7, 38, 55, 12) == 12
    assert measured(Aggregation.COUNT, 15, 42, 7) == 3
    assert measured(Aggregation.AVG, 1, 2, 2) == Ratio(5, 3)
    users = ["user_a", "user_b", "user_a", "user_c", "user_b"]
    keyed = [at(n, 1, n, key) for n, key in enumerate(users)]
    assert usage(Aggregation.UNIQUE_COUNT, keyed) == 3


@pytest.mark.parametrize("kind", list(Aggregation))
def test_no_events_are_zero(kind: Aggregation) -> None:
    assert usage(kind, []) == 0
    assert usage(kind, [at(-1, 5), at(SPAN, 5)]) == 0, "both lie outside"


def test_ties_in_time_are_broken_by_arrival() -> None:
    first, second = at(10, 1, sequence=1), at(10, 2, sequence=2)

    assert usage(Aggregation.LAST, [first, second]) == usage(Aggregation.LAST, [second, first]) == 2
    assert usage(Aggregation.LAST, [second, at(11, 3, sequence=0)]) == 3


def test_levels_carried_forward() -> None:
    one = [at(500, 4)]
    for kind, empty, used in [
        (Aggregation.LAST, "7", "4"),
        (Aggregation.MAX, "7", "4"),
        (Aggregation.WEIGHTED_SUM, "7", "9"),
    ]:
        assert aggregate(kind, [], PERIOD, carried=d(7)) == d(empty)
        assert aggregate(kind, one, PERIOD, carried=d(7)) == d(used)
    assert aggregate(Aggregation.MIN, [], PERIOD, carried=d(7)) == 0


def test_means_stay_exact_fractions() -> None:
    assert usage(Aggregation.AVG, [at(1, 1), at(2, 0), at(3, 0)]) == Ratio(1, 3)
    assert usage(Aggregation.AVG, [at(1, 1), at(2, 0)]) == d("0.5")
    assert usage(Aggregation.AVG, []) == 0
    empty = Period(starts_at=JANUARY.ends_at, ends_at=JANUARY.ends_at)
    assert aggregate(Aggregation.WEIGHTED_SUM, [], empty, carried=d(5)) == 0


def test_sums_of_long_numbers_keep_every_digit_in_any_context() -> None:
    long = [at(1, "9" * 29 + "." + "9" * 20), at(2, "0." + "0" * 19 + "1")]

    with localcontext(Context(prec=5)):
        assert str(usage(Aggregation.SUM, long)) == "1" + "0" * 29 + "." + "0" * 20


def test_carrying_forward_is_refused_where_it_means_nothing() -> None:
    for kind in Aggregation:
        carries = kind in (Aggregation.MAX, Aggregation.LAST, Aggregation.WEIGHTED_SUM)
        if carries:
            MeterTerms(meter_id=METER, name="m", aggregation=kind, carry_forward=True)
            continue
        with pytest.raises(InvalidInput) as refused:
            MeterTerms(meter_id=METER, name="m", aggregation=kind, carry_forward=True)
        assert refused.value.field == "carry_forward"


def test_measurements_hold_decimals_and_instants_only() -> None:
    with pytest.raises(InvalidInput) as refused:
        Measurement(at=PERIOD.starts_at, sequence=1, value=0.5)  # type: ignore[arg-type]  # what a test says by name
    assert refused.value.field == "quantity"
    with pytest.raises(InvalidInput) as refused:
        Measurement(at=PERIOD.starts_at.replace(tzinfo=None), sequence=1, value=d(1))
    assert refused.value.field == "timestamp"
