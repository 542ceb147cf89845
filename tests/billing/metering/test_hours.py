"""Whole hours of a span and its edges, which tile it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
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


@pytest.mark.parametrize(
    ("starts", "ends", "whole", "edges"),
    [
        pytest.param("09:30", "12:15", "10 12", "09:30-10:00 12:00-12:15", id="documented"),
        pytest.param("09:30", "10:15", "", "09:30-10:15", id="two hours touched, none whole"),
        pytest.param("09:30", "10:30", "", "09:30-10:30", id="an hour long, none whole"),
        pytest.param("09:00", "10:00", "9 10", "", id="one whole hour"),
        pytest.param("09:00", "12:00", "9 12", "", id="three whole hours"),
        pytest.param("09:00", "11:01", "9 11", "11:00-11:01", id="an edge behind"),
        pytest.param("08:59", "11:00", "9 11", "08:59-09:00", id="an edge before"),
        pytest.param("09:10", "09:50", "", "09:10-09:50", id="within one hour"),
        pytest.param("09:00", "09:59", "", "09:00-09:59", id="nearly one hour"),
        pytest.param("09:01", "10:59", "", "09:01-10:59", id="nearly two hours"),
        pytest.param("09:30", "09:30", "", "", id="nothing"),
        pytest.param("09:00", "09:00", "", "", id="nothing on the hour"),
    ],
)
def test_whole_hours_are_read_apart_from_the_minutes_around_them(
    starts: str, ends: str, whole: str, edges: str
) -> None:
    found = split_hours(utc(f"2025-01-01T{starts}"), utc(f"2025-01-01T{ends}"))

    bounds = [f"{int(one):02}:00" for one in whole.split()]
    assert [f"{one:%H:%M}" for one in found.whole or ()] == bounds
    assert " ".join(f"{one:%H:%M}-{other:%H:%M}" for one, other in found.edges) == edges


def test_a_microsecond_beside_an_hour_is_an_edge() -> None:
    moment = timedelta(microseconds=1)
    nine, eleven = utc("2025-01-01T09:00"), utc("2025-01-01T11:00")

    found = split_hours(nine - moment, eleven + moment)

    assert found.whole == (nine, eleven)
    assert found.edges == ((nine - moment, nine), (eleven, eleven + moment))
    assert split_hours(nine + moment, eleven - moment).whole is None
