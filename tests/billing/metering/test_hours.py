"""Whole hours of a span and its edges, which tile it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from billing.metering.hours import HOUR, floor_hour, split_hours
from tests.billing.builders import utc
from tests.billing.profiles import thorough

instants = st.integers(0, 5 * 3600 * 10**6).map(
    lambda offset: datetime(2025, 3, 30, tzinfo=UTC) + timedelta(microseconds=offset)
) | st.integers(0, 5).map(lambda hours: datetime(2025, 3, 30, hours, tzinfo=UTC))


@thorough
@given(instants, instants)
def test_whole_hours_and_edges_tile_a_span(one: datetime, other: datetime) -> None:
    starts_at, ends_at = sorted((one, other))

    split = split_hours(starts_at, ends_at)

    parts = sorted([*split.edges, *([split.whole] if split.whole else [])])
    assert all(begin < end for begin, end in parts)
    assert [begin for begin, _ in parts] == [starts_at, *(end for _, end in parts)][: len(parts)]
    assert not parts or parts[-1][1] == ends_at
    assert bool(parts) == (starts_at < ends_at)
    if split.whole is not None:
        assert all(floor_hour(one) == one for one in split.whole)
        assert all(end - begin < HOUR for begin, end in split.edges)


def test_hours_are_those_of_utc() -> None:
    split = split_hours(utc("2025-01-01T09:30+05:30"), utc("2025-01-01T12:15+05:30"))

    assert split.whole == (utc("2025-01-01T04:00"), utc("2025-01-01T06:00"))
    assert split.edges == ((utc("2025-01-01T06:00"), utc("2025-01-01T06:45")),)
    assert split_hours(utc("2025-01-01T09:30"), utc("2025-01-01T10:15")).edges == (
        (utc("2025-01-01T09:30"), utc("2025-01-01T10:15")),
    )


def test_hour_of_an_instant_is_that_of_utc_to_the_microsecond() -> None:
    assert floor_hour(utc("2025-01-01T09:59:59.999999+05:45")) == utc("2025-01-01T04:00")
    assert floor_hour(utc("2025-01-01T09:45:00+05:45")) == utc("2025-01-01T04:00")
    assert floor_hour(utc("2025-01-01T09:44:59.999999+05:45")) == utc("2025-01-01T03:00")
