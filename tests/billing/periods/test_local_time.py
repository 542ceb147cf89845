"""Local time: skipped and repeated hours, days of any length, and spans that meet."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.periods import (
    Anchor,
    Cadence,
    Interval,
    Period,
    index_containing,
    local_date,
    start_of_day,
    to_instant,
)
from tests.billing.builders import utc
from tests.billing.profiles import supporting

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "local", "instant"),
    [
        pytest.param("UTC", "2025-03-09T02:30", "2025-03-09T02:30", id="nothing changes"),
        pytest.param("America/New_York", "2025-03-09T02:30", "2025-03-09T07:30", id="skipped"),
        pytest.param("America/New_York", "2025-03-09T01:59", "2025-03-09T06:59", id="before it"),
        pytest.param("America/New_York", "2025-03-09T03:00", "2025-03-09T07:00", id="after it"),
        pytest.param("America/New_York", "2025-11-02T01:30", "2025-11-02T05:30", id="twice"),
        pytest.param("America/New_York", "2025-11-02T02:00", "2025-11-02T07:00", id="after both"),
        pytest.param("Europe/London", "2025-03-30T01:30", "2025-03-30T01:30", id="London, skipped"),
        pytest.param("Europe/London", "2025-10-26T01:30", "2025-10-26T00:30", id="London, twice"),
        pytest.param("Australia/Lord_Howe", "2025-10-05T02:15", "2025-10-04T15:45", id="half"),
        pytest.param("Asia/Kathmandu", "2025-01-01T00:00", "2024-12-31T18:15", id="quarters"),
        pytest.param("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T22:00", id="no such day"),
        pytest.param("Pacific/Kiritimati", "2025-01-01T00:00", "2024-12-31T10:00", id="first"),
        pytest.param("Asia/Tokyo", "2025-06-15T09:00", "2025-06-15T00:00", id="Tokyo"),
    ],
)
def test_a_local_time_means_one_instant(zone: str, local: str, instant: str) -> None:
    assert to_instant(datetime.fromisoformat(local), zone) == utc(instant)


def test_the_second_of_two_local_times_is_read_as_the_first() -> None:
    local = datetime(2025, 11, 2, 1, 30, fold=1)  # noqa: DTZ001  (a local time is what is read)

    assert to_instant(local, "America/New_York") == utc("2025-11-02T05:30")


@pytest.mark.parametrize(
    ("zone", "day", "starts_at", "hours"),
    [
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00", 23),
        ("America/New_York", date(2025, 3, 9), "2025-03-09T05:00", 23),
        ("America/New_York", date(2025, 11, 2), "2025-11-02T04:00", 25),
        ("Australia/Lord_Howe", date(2025, 10, 5), "2025-10-04T13:30", 23.5),
        ("Europe/Berlin", date(2025, 6, 1), "2025-05-31T22:00", 24),
        ("Pacific/Apia", date(2011, 12, 29), "2011-12-29T10:00", 24),
    ],
)
def test_a_local_day_begins_as_early_as_it_can_and_has_its_true_length(
    zone: str, day: date, starts_at: str, hours: float
) -> None:
    begin, end = start_of_day(day, zone), start_of_day(day + DAY, zone)

    assert begin == utc(starts_at)
    assert end - begin == timedelta(hours=hours)
    assert local_date(begin, zone) == day
    assert local_date(begin - timedelta(microseconds=1), zone) == day - DAY


hours = st.integers(0, 24 * 400)


@supporting
@given(st.lists(hours, min_size=3, max_size=3), st.sampled_from(["UTC", "Europe/Berlin"]))
def test_local_days_of_two_halves_are_those_of_the_whole(ends: list[int], zone: str) -> None:
    first, cut, last = (utc("2025-01-01") + timedelta(hours=one) for one in sorted(ends))

    halves = Period(starts_at=first, ends_at=cut), Period(starts_at=cut, ends_at=last)

    whole = Period(starts_at=first, ends_at=last)
    assert sum(one.local_days(zone) for one in halves) == whole.local_days(zone)
    assert sum(one.elapsed_microseconds for one in halves) == whole.elapsed_microseconds


@supporting
@given(st.lists(hours, min_size=6, max_size=6))
def test_what_three_spans_share_does_not_depend_on_their_order(edges: list[int]) -> None:
    spans = [
        Period(
            starts_at=utc("2025-01-01") + timedelta(hours=min(pair)),
            ends_at=utc("2025-01-01") + timedelta(hours=max(pair)),
        )
        for pair in zip(edges[::2], edges[1::2], strict=True)
    ]
    one, two, three = spans

    def together(*parts: Period) -> Period | None:
        found: Period | None = parts[0]
        for part in parts[1:]:
            found = None if found is None else found.intersect(part)
        return found

    assert together(one, two, three) == together(three, two, one) == together(two, one, three)
    assert one.intersect(one) == (None if one.is_empty else one)


@supporting
@given(hours, hours, st.sampled_from(Interval))
def test_later_instants_lie_in_no_earlier_period(one: int, other: int, interval: Interval) -> None:
    anchor = Anchor(starts_at=utc("2025-01-31T10:00"))
    sooner, later = (anchor.starts_at + timedelta(hours=at) for at in sorted((one, other)))
    cadence = Cadence(interval=interval)

    assert index_containing(anchor, cadence, sooner) <= index_containing(anchor, cadence, later)


def test_a_local_time_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        to_instant(datetime(9999, 12, 31, 23), "America/New_York")  # noqa: DTZ001  (a local time is what is read)
    assert refused.value.code == "date_out_of_range"
    with pytest.raises(InvalidInput) as refused:
        to_instant(datetime(2025, 1, 1), "Mars/Base")  # noqa: DTZ001  (a local time is what is read)
    assert (refused.value.code, refused.value.field) == ("unknown_timezone", "timezone")
