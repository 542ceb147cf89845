"""Aggregations one beside another: what each takes, and how they hang together on any events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.metering.tallies import (
    NOTHING,
    Aggregation,
    Level,
    Measurement,
    Tally,
    Values,
    conclude,
    tally_up,
)
from billing.periods import Period
from billing.ratios import Exact, Ratio, quotient
from tests.billing.builders import d, utc
from tests.billing.profiles import supporting

BEGIN = utc("2025-03-30")
HOUR = Period(starts_at=BEGIN, ends_at=BEGIN + timedelta(hours=1))
SUM, COUNT, MAX, MIN, AVG, LAST, UNIQUE, WEIGHTED = Aggregation


def event(
    second: float, value: str | int, sequence: int = 0, key: str | None = None
) -> Measurement:
    return Measurement(
        at=BEGIN + timedelta(seconds=second), sequence=sequence, value=d(value), distinct_key=key
    )


events = st.lists(
    st.tuples(st.integers(-600, 4200), st.integers(0, 400), st.integers(0, 3)), max_size=7
).map(
    lambda facts: [
        Measurement(
            at=BEGIN + timedelta(seconds=second),
            sequence=place,
            value=Decimal(value).scaleb(-1),
            distinct_key=str(key),
        )
        for place, (second, value, key) in enumerate(facts)
    ]
)


def usage(
    kind: Aggregation, some: Sequence[Measurement], span: Period = HOUR, carried: str = "0"
) -> Exact:
    return conclude(kind, tally_up(some, span), span, carried=d(carried))


def fraction(number: Exact) -> Fraction:
    return Fraction(str(number))


@pytest.mark.parametrize(
    ("kind", "values", "needs_quantity", "level", "is_additive", "counts_events"),
    [
        (SUM, Values.ABOVE_ZERO, True, None, True, False),
        (COUNT, Values.ABOVE_ZERO, False, None, True, True),
        (MAX, Values.FROM_ZERO, True, Level.NEWEST, False, False),
        (MIN, Values.FROM_ZERO, True, None, False, False),
        (AVG, Values.FROM_ZERO, True, None, False, False),
        (LAST, Values.FROM_ZERO, True, Level.NEWEST, False, False),
        (UNIQUE, Values.ABOVE_ZERO, False, None, False, False),
        (WEIGHTED, Values.ANY, True, Level.TOTAL, False, False),
    ],
)
def test_what_each_aggregation_takes_and_carries(
    *,
    kind: Aggregation,
    values: Values,
    needs_quantity: bool,
    level: Level | None,
    is_additive: bool,
    counts_events: bool,
) -> None:
    found = kind.definition

    assert (found.values, found.needs_quantity, found.level) == (values, needs_quantity, level)
    assert (found.is_additive, found.counts_events) == (is_additive, counts_events)
    assert found.uses_distinct_values is (kind is UNIQUE)
    assert found.is_over_time is (kind is WEIGHTED)


@pytest.mark.parametrize("kind", Aggregation)
def test_an_event_at_the_begin_counts_and_one_at_the_end_does_not(kind: Aggregation) -> None:
    first, last = event(0, 5, key="a"), event(3600, 7, key="b")
    worth = 1 if kind in (COUNT, UNIQUE) else 5

    assert usage(kind, [first, last]) == usage(kind, [first]) == worth
    assert usage(kind, [last]) == 0


@pytest.mark.parametrize("kind", Aggregation)
def test_a_moment_before_the_end_counts_still(kind: Aggregation) -> None:
    late = replace(event(0, 5, key="a"), at=HOUR.ends_at - timedelta(microseconds=1))
    worth = {COUNT: d(1), UNIQUE: d(1), WEIGHTED: quotient(d(5), 3_600_000_000)}.get(kind, d(5))

    assert usage(kind, [late]) == worth


def test_what_a_tally_says_of_three_events() -> None:
    some = [event(10, 3, 1, "a"), event(1800, 1, 2, "b"), event(1800, 8, 3, "a")]

    assert tally_up(some, HOUR) == Tally(
        event_count=3,
        total=d(12),
        minimum=d(1),
        maximum=d(8),
        newest=d(8),
        weighted_total=d(3 * 3590 + 9 * 1800) * 1_000_000,
        distinct_count=2,
    )
    assert tally_up([], HOUR) == NOTHING


@pytest.mark.parametrize(
    ("facts", "carried", "mean"),
    [
        pytest.param([(0, 4)], "0", d(4), id="all the time"),
        pytest.param([(1800, 4)], "0", d(2), id="half of it"),
        pytest.param([(1800, 4)], "10", d(12), id="on top of a level"),
        pytest.param([(1800, -4)], "10", d(8), id="a level that falls"),
        pytest.param([(900, 4), (2700, -4)], "0", d(2), id="up and down"),
        pytest.param([(1200, 1)], "0", Ratio(2, 3), id="two thirds"),
        pytest.param([], "10", d(10), id="a level that stays"),
        pytest.param([(1800, -20)], "10", d(0), id="below nothing for half of it"),
        pytest.param([(900, -20)], "10", d(-5), id="below nothing for longer"),
    ],
)
def test_a_weighted_sum_is_the_mean_of_its_level(
    facts: list[tuple[int, int]], carried: str, mean: Exact
) -> None:
    some = [event(second, value) for second, value in facts]

    assert usage(WEIGHTED, some, carried=carried) == mean


@pytest.mark.parametrize("kind", [SUM, COUNT, MIN, AVG, UNIQUE])
def test_what_carries_no_level_does_not_look_at_one(kind: Aggregation) -> None:
    some = [event(5, 3, key="a")]

    assert usage(kind, some, carried="100") == usage(kind, some)
    assert usage(kind, [], carried="100") == 0


@pytest.mark.parametrize("kind", [MAX, LAST])
def test_a_level_holds_until_an_event_says_another_even_a_lower_one(kind: Aggregation) -> None:
    assert usage(kind, [], carried="100") == 100
    assert usage(kind, [event(5, 3)], carried="100") == 3
    assert usage(kind, [event(5, 0)], carried="100") == 0


@supporting
@given(events)
def test_a_mean_lies_between_the_least_and_the_most_and_makes_up_the_sum(
    some: list[Measurement],
) -> None:
    count = usage(COUNT, some)

    assert usage(MIN, some) <= usage(AVG, some) <= usage(MAX, some)
    assert fraction(usage(AVG, some)) * fraction(count) == fraction(usage(SUM, some))
    assert usage(MIN, some) <= usage(LAST, some) <= usage(MAX, some)
    assert min(count, d(1)) <= usage(UNIQUE, some) <= count


@supporting
@given(events, st.sampled_from(["0.5", "3", "1000000", "0.000001"]))
def test_values_in_another_unit_give_usage_in_that_unit(
    some: list[Measurement], factor: str
) -> None:
    scaled = [replace(one, value=one.value * d(factor)) for one in some]

    for kind in (SUM, MAX, MIN, AVG, LAST, WEIGHTED):
        assert fraction(usage(kind, scaled)) == Fraction(factor) * fraction(usage(kind, some))
    for kind in (COUNT, UNIQUE):
        assert usage(kind, scaled) == usage(kind, some)


@supporting
@given(events, st.integers(-(10**6), 10**6))
def test_when_it_was_changes_nothing_if_all_of_it_was_then(
    some: list[Measurement], minutes: int
) -> None:
    later = timedelta(minutes=minutes)
    span = Period(starts_at=HOUR.starts_at + later, ends_at=HOUR.ends_at + later)
    moved = [replace(one, at=one.at + later) for one in some]

    for kind in Aggregation:
        assert usage(kind, moved, span) == usage(kind, some)


@supporting
@given(events, st.integers(1, 3599), st.integers(-20, 20))
def test_the_mean_of_a_level_is_that_of_its_parts_weighed_by_their_length(
    some: list[Measurement], cut: int, carried: int
) -> None:
    middle = BEGIN + timedelta(seconds=cut)
    first = Period(starts_at=HOUR.starts_at, ends_at=middle)
    rest = Period(starts_at=middle, ends_at=HOUR.ends_at)
    after = carried + sum(one.value for one in some if one.at in first)

    area = fraction(usage(WEIGHTED, some, first, str(carried))) * cut
    area += fraction(usage(WEIGHTED, some, rest, str(after))) * (3600 - cut)

    assert fraction(usage(WEIGHTED, some, carried=str(carried))) == area / 3600


@supporting
@given(events, st.integers(1, 3599))
def test_the_least_and_the_most_of_a_span_are_those_of_a_part_that_was_used(
    some: list[Measurement], cut: int
) -> None:
    middle = BEGIN + timedelta(seconds=cut)
    parts = [
        Period(starts_at=HOUR.starts_at, ends_at=middle),
        Period(starts_at=middle, ends_at=HOUR.ends_at),
    ]
    used = [one for one in parts if usage(COUNT, some, one)]

    for kind, choose in ((MIN, min), (MAX, max)):
        found = [usage(kind, some, one) for one in used]
        assert usage(kind, some) == choose(found, default=d(0))
    assert usage(LAST, some) == (usage(LAST, some, used[-1]) if used else 0)
    assert fraction(usage(UNIQUE, some)) <= sum(fraction(usage(UNIQUE, some, one)) for one in parts)
