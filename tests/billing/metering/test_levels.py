"""Levels that go on from span to span, and usage that is the sum of that of its parts."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.metering.tallies import (
    NOTHING,
    Aggregation,
    Measurement,
    Tally,
    conclude,
    conclude_additive,
    level_after,
    tally_up,
)
from billing.periods import Period
from tests.billing.builders import d, utc
from tests.billing.profiles import supporting

BEGIN = utc("2025-01-01")
ADDITIVE = [one for one in Aggregation if one.definition.is_additive]
LEVELS = [one for one in Aggregation if one.definition.level is not None]

measurements = st.lists(
    st.builds(
        lambda second, value: (BEGIN + timedelta(seconds=second), value),
        st.integers(0, 3599),
        st.integers(-50, 50).map(Decimal),
    ),
    max_size=8,
).map(
    lambda facts: [
        Measurement(at=at, sequence=place, value=value) for place, (at, value) in enumerate(facts)
    ]
)
cuts = st.integers(0, 3600).map(lambda second: BEGIN + timedelta(seconds=second))
HOUR = Period(starts_at=BEGIN, ends_at=BEGIN + timedelta(hours=1))


@supporting
@given(stored=measurements, cut=cuts, before=st.integers(-50, 50).map(Decimal))
@pytest.mark.parametrize("aggregation", LEVELS)
def test_level_after_a_span_is_that_after_its_parts_in_turn(
    aggregation: Aggregation, stored: list[Measurement], cut: datetime, before: Decimal
) -> None:
    parts = (
        Period(starts_at=HOUR.starts_at, ends_at=cut),
        Period(starts_at=cut, ends_at=HOUR.ends_at),
    )

    level = before
    for part in parts:
        level = level_after(aggregation, tally_up(stored, part), carried=level)

    assert level == level_after(aggregation, tally_up(stored, HOUR), carried=before)


@pytest.mark.parametrize(
    ("aggregation", "tally", "level"),
    [
        (Aggregation.LAST, Tally(event_count=1, newest=d(3), total=d(9)), "3"),
        (Aggregation.LAST, Tally(event_count=1, newest=d(0)), "0"),
        (Aggregation.MAX, Tally(event_count=2, newest=d(3), maximum=d(9)), "3"),
        (Aggregation.WEIGHTED_SUM, Tally(event_count=2, newest=d(-2), total=d(4)), "9"),
        *((one, NOTHING, "5") for one in LEVELS),
    ],
)
def test_newest_value_replaces_a_level_of_five_or_the_total_moves_it(
    aggregation: Aggregation, tally: Tally, level: str
) -> None:
    assert level_after(aggregation, tally, carried=d(5)) == d(level)


def test_nothing_is_carried_from_before_the_first_event() -> None:
    assert [level_after(one, NOTHING) for one in LEVELS] == [0] * len(LEVELS)


@supporting
@given(stored=measurements, cut=cuts)
@pytest.mark.parametrize("aggregation", ADDITIVE)
def test_additive_usage_of_a_span_is_the_sum_of_its_parts(
    aggregation: Aggregation, stored: list[Measurement], cut: datetime
) -> None:
    parts = (
        Period(starts_at=HOUR.starts_at, ends_at=cut),
        Period(starts_at=cut, ends_at=HOUR.ends_at),
    )

    found = [conclude_additive(aggregation, tally_up(stored, part)) for part in parts]

    assert sum(found) == conclude_additive(aggregation, tally_up(stored, HOUR))
    assert sum(found) == conclude(aggregation, tally_up(stored, HOUR), HOUR)


def test_additive_are_sum_and_count_and_nothing_comes_to_nothing() -> None:
    assert set(ADDITIVE) == {Aggregation.SUM, Aggregation.COUNT}
    assert [conclude_additive(one, NOTHING) for one in ADDITIVE] == [0, 0]
