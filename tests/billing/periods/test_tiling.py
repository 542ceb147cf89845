"""Invariants 16, 18, 20 and 21: periods tile the axis of time in every zone, for every anchor."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import available_timezones

import pytest
import whenever
from hypothesis import given
from hypothesis import strategies as st

from billing.periods import (
    Alignment,
    Anchor,
    Cadence,
    Interval,
    Period,
    boundary,
    find_zone,
    index_containing,
    local_date,
    period,
    regular_period,
    start_of_day,
)
from tests.billing.builders import utc
from tests.billing.profiles import IS_DEEP, PROFILE, thorough

ZONES = sorted(available_timezones() - {"localtime"})
SAMPLE_ZONES = [
    "UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu",
    "Pacific/Apia", "America/Sao_Paulo", "Africa/Casablanca", "Asia/Tehran", "Pacific/Chatham",
    "Europe/Dublin", "America/St_Johns",
]  # fmt: skip

instants = st.integers(0, 30 * 366 * 86_400).map(
    lambda seconds: datetime(2004, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
cadences = st.builds(
    lambda interval, count: Cadence(interval=interval, count=count),
    st.sampled_from(list(Interval)),
    st.integers(1, 4),
)
anchors = st.builds(
    lambda starts_at, zone, alignment: Anchor(
        starts_at=starts_at, timezone=zone, alignment=alignment
    ),
    instants,
    st.sampled_from(SAMPLE_ZONES),
    st.sampled_from(list(Alignment)),
)


@thorough
@given(anchors, cadences, st.integers(0, 40))
def test_invariant_18_periods_tile_time_without_gap_or_overlap(
    anchor: Anchor, cadence: Cadence, n: int
) -> None:
    before, after = period(anchor, cadence, n), period(anchor, cadence, n + 1)

    assert period(anchor, cadence, 0).starts_at == anchor.starts_at
    assert before.ends_at == after.starts_at
    assert before.starts_at <= before.ends_at
    skips_a_day = anchor.timezone == "Pacific/Apia" and cadence.interval is Interval.DAY
    assert skips_a_day or not before.is_empty


@thorough
@given(anchors, cadences, st.integers(0, 10 * 366 * 86_400))
def test_invariant_18_every_instant_lies_in_exactly_one_period(
    anchor: Anchor, cadence: Cadence, seconds: int
) -> None:
    instant = anchor.starts_at + timedelta(seconds=seconds)

    n = index_containing(anchor, cadence, instant)

    assert instant in period(anchor, cadence, n)
    assert instant not in period(anchor, cadence, n + 1)
    assert n == 0 or instant not in period(anchor, cadence, n - 1)


@thorough
@given(anchors, cadences, st.integers(0, 40))
def test_invariant_16_the_boundary_belongs_to_the_later_period(
    anchor: Anchor, cadence: Cadence, n: int
) -> None:
    edge = boundary(anchor, cadence, n + 1)
    before, after = period(anchor, cadence, n), period(anchor, cadence, n + 1)

    assert edge not in before
    assert edge in after or after.is_empty
    assert edge - timedelta(microseconds=1) not in after


@thorough
@given(anchors, cadences, st.integers(1, 40))
def test_invariant_20_bounds_depend_on_anchor_zone_interval_and_number_only(
    anchor: Anchor, cadence: Cadence, n: int
) -> None:
    same = Anchor(
        starts_at=anchor.starts_at.astimezone(find_zone("Asia/Tokyo")),
        timezone=anchor.timezone,
        alignment=anchor.alignment,
    )

    assert boundary(same, cadence, n) == boundary(anchor, cadence, n)
    assert boundary(same, cadence, n).tzinfo is UTC
    if anchor.alignment is Alignment.START:
        assert boundary(anchor, cadence, n) == _independent(anchor, cadence, n)


def _independent(anchor: Anchor, cadence: Cadence, n: int) -> datetime:
    """The same boundary by another library's calendar."""
    local = whenever.Instant(anchor.starts_at).to_tz(anchor.timezone)
    plain, steps = local.to_plain(), cadence.count * n
    match cadence.interval:
        case Interval.DAY:
            moved = plain.add(days=steps, naive_arithmetic_ok=True)
        case Interval.WEEK:
            moved = plain.add(weeks=steps, naive_arithmetic_ok=True)
        case Interval.MONTH:
            moved = plain.add(months=steps, naive_arithmetic_ok=True)
        case Interval.QUARTER:
            moved = plain.add(months=3 * steps, naive_arithmetic_ok=True)
        case Interval.YEAR:
            moved = plain.add(years=steps, naive_arithmetic_ok=True)
    return moved.assume_tz(anchor.timezone, disambiguation="compatible").to_instant().to_stdlib()


def test_invariant_21_a_period_is_two_stored_instants() -> None:
    stored = Period(starts_at=utc("2025-01-01"), ends_at=utc("2025-02-01"))

    assert not hasattr(stored, "timezone"), "no zone to look up again means nothing can move"
    assert Period.__slots__ == ("starts_at", "ends_at")


def _grid() -> Iterator[tuple[str, int]]:
    if IS_DEEP:
        yield from ((zone, day) for zone in ZONES for day in range(1, 32))
        return
    step = {"quick": 60, "default": 12, "gate": 3}[PROFILE]
    yield from ((zone, 1 + place % 31) for place, zone in enumerate(ZONES[::step]))
    if PROFILE == "quick":
        return
    yield from ((zone, day) for zone in SAMPLE_ZONES for day in (1, 29, 30, 31))


def test_invariant_18_thirty_years_tile_in_every_zone_for_every_anchor_day() -> None:
    for zone, day in _grid():
        anchor = Anchor(starts_at=start_of_day(date(2004, 1, day), zone), timezone=zone)
        edges = [boundary(anchor, Cadence(interval=Interval.MONTH), n) for n in range(361)]

        assert all(before < after for before, after in pairwise(edges)), (zone, day)
        last = edges[-1].astimezone(find_zone(zone))
        assert (last.year, last.month, last.day) == (2034, 1, day), (zone, day)


def months(start: str, count: int, zone: str = "UTC", **kwargs: object) -> list[str]:
    anchor = Anchor(starts_at=utc(start), timezone=zone, **kwargs)  # type: ignore[arg-type]  # what a test says by name
    return [
        boundary(anchor, Cadence(interval=Interval.MONTH), n).isoformat()[:10]
        for n in range(1, count + 1)
    ]


def test_the_31st_returns_after_short_months() -> None:
    assert months("2025-01-31", 4) == ["2025-02-28", "2025-03-31", "2025-04-30", "2025-05-31"]
    assert months("2024-01-31", 2) == ["2024-02-29", "2024-03-31"]
    assert months("2100-01-30", 2) == ["2100-02-28", "2100-03-30"]


@pytest.mark.parametrize(
    ("interval", "count", "start", "expected"),
    [("day", 1, "2025-02-28", "2025-03-01"), ("day", 10, "2025-02-28", "2025-03-10"),
     ("week", 1, "2025-02-28", "2025-03-07"), ("week", 2, "2025-02-28", "2025-03-14"),
     ("quarter", 1, "2024-11-30", "2025-02-28"), ("quarter", 2, "2024-11-30", "2025-05-30"),
     ("year", 1, "2024-02-29", "2025-02-28"), ("year", 4, "2024-02-29", "2028-02-29"),
     ("month", 12, "2096-02-29", "2097-02-28"), ("year", 4, "2096-02-29", "2100-02-28")],
)  # fmt: skip
def test_intervals(interval: str, count: int, start: str, expected: str) -> None:
    anchor = Anchor(starts_at=utc(start))
    cadence = Cadence(interval=Interval(interval), count=count)

    assert boundary(anchor, cadence, 1) == utc(expected)


@pytest.mark.parametrize(
    ("zone", "start", "interval", "expected"),
    [("America/New_York", "2025-02-09T02:30:00-05:00", "month", "2025-03-09T03:30:00-04:00"),
     ("America/New_York", "2025-10-02T01:30:00-04:00", "month", "2025-11-02T01:30:00-04:00"),
     ("America/New_York", "2025-11-02T01:30:00-05:00", "day", "2025-11-03T01:30:00-05:00"),
     ("Europe/Berlin", "2025-03-29T02:15:00+01:00", "day", "2025-03-30T03:15:00+02:00"),
     ("Australia/Lord_Howe", "2025-09-05T02:10:00+10:30", "month", "2025-10-05T02:40:00+11:00"),
     ("America/Sao_Paulo", "2018-10-04T00:00:00-03:00", "month", "2018-11-04T01:00:00-02:00"),
     ("Pacific/Apia", "2011-11-30T00:00:00-10:00", "month", "2011-12-31T00:00:00+14:00")],
)  # fmt: skip
def test_skipped_and_repeated_local_times(
    zone: str, start: str, interval: str, expected: str
) -> None:
    anchor = Anchor(starts_at=utc(start), timezone=zone)

    assert boundary(anchor, Cadence(interval=Interval(interval)), 1) == utc(expected)


def test_a_skipped_day_is_an_empty_period() -> None:
    anchor = Anchor(starts_at=utc("2011-12-29T00:00:00-10:00"), timezone="Pacific/Apia")
    cadence = Cadence(interval=Interval.DAY)
    skipped = period(anchor, cadence, 1)

    assert skipped.is_empty
    assert skipped.local_days("Pacific/Apia") == 0
    assert skipped.last_covered_day("Pacific/Apia") == date(2011, 12, 31)
    assert index_containing(anchor, cadence, skipped.starts_at) == 2


@pytest.mark.parametrize(
    ("interval", "start", "first", "second", "regular"),
    [("month", "2025-01-15T10:00", "2025-02-01", "2025-03-01", "2025-01-01"),
     ("month", "2025-01-01", "2025-02-01", "2025-03-01", "2025-01-01"),
     ("week", "2025-01-15T10:00", "2025-01-20", "2025-01-27", "2025-01-13"),
     ("day", "2025-01-15T10:00", "2025-01-16", "2025-01-17", "2025-01-15"),
     ("quarter", "2025-05-15", "2025-07-01", "2025-10-01", "2025-04-01"),
     ("quarter", "2025-12-31T23:59:59", "2026-01-01", "2026-04-01", "2025-10-01"),
     ("year", "2025-05-15", "2026-01-01", "2027-01-01", "2025-01-01")],
)  # fmt: skip
def test_calendar_anchors_start_with_a_partial_period(
    *, interval: str, start: str, first: str, second: str, regular: str
) -> None:
    anchor = Anchor(starts_at=utc(start), alignment=Alignment.CALENDAR)
    cadence = Cadence(interval=Interval(interval))

    assert period(anchor, cadence, 0) == Period(starts_at=utc(start), ends_at=utc(first))
    assert period(anchor, cadence, 1) == Period(starts_at=utc(first), ends_at=utc(second))
    assert regular_period(anchor, cadence, 0).starts_at == utc(regular)
    assert regular_period(anchor, cadence, 0).ends_at == utc(first)
    assert regular_period(anchor, cadence, 1) == period(anchor, cadence, 1)


def test_calendar_anchors_follow_the_zone() -> None:
    anchor = Anchor(
        starts_at=utc("2025-01-31T23:30:00Z"),
        timezone="Europe/Berlin",
        alignment=Alignment.CALENDAR,
    )

    assert boundary(anchor, Cadence(interval=Interval.MONTH), 1) == utc("2025-02-28T23:00:00Z")


@pytest.mark.parametrize(
    ("zone", "ends_at", "first", "last", "days"),
    [("UTC", "2025-02-01T00:00:00Z", date(2025, 1, 1), date(2025, 1, 31), 31),
     ("UTC", "2025-02-01T00:00:00.000001Z", date(2025, 1, 1), date(2025, 2, 1), 31),
     ("America/New_York", "2025-02-01T00:00:00Z", date(2024, 12, 31), date(2025, 1, 31), 31),
     ("UTC", "2025-01-01T10:00:00Z", date(2025, 1, 1), date(2025, 1, 1), 0)],
)  # fmt: skip
def test_documents_show_the_last_covered_day(
    *, zone: str, ends_at: str, first: date, last: date, days: int
) -> None:
    span = Period(starts_at=utc("2025-01-01"), ends_at=utc(ends_at))

    assert (span.first_day(zone), span.last_covered_day(zone)) == (first, last)
    assert span.local_days(zone) == days


def test_periods_intersect_in_what_both_cover() -> None:
    january = Period(starts_at=utc("2025-01-01"), ends_at=utc("2025-02-01"))
    middle = Period(starts_at=utc("2025-01-15"), ends_at=utc("2025-02-15"))
    february = Period(starts_at=utc("2025-02-01"), ends_at=utc("2025-03-01"))

    both = Period(starts_at=utc("2025-01-15"), ends_at=utc("2025-02-01"))
    assert january.intersect(middle) == middle.intersect(january) == both
    assert january.intersect(february) is None
    assert january.elapsed_microseconds == 31 * 86_400_000_000
    assert sorted([middle, january]) == [january, middle]


def test_days_on_which_the_clocks_change_keep_their_true_length() -> None:
    anchor = Anchor(starts_at=utc("2025-03-29T00:00:00+01:00"), timezone="Europe/Berlin")
    hours = [
        period(anchor, Cadence(interval=Interval.DAY), n).elapsed_microseconds / 3.6e9
        for n in range(3)
    ]

    assert hours == [24, 23, 24]


def test_local_dates_are_those_of_the_zone() -> None:
    assert local_date(utc("2025-01-31T23:30:00Z"), "Europe/Berlin") == date(2025, 2, 1)
    assert start_of_day(date(2025, 2, 1), "Europe/Berlin") == utc("2025-01-31T23:00:00Z")
