"""The calendar: leap days, ends of months, quarters and weeks, and lengths of lives."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.periods import (
    Alignment,
    Anchor,
    Cadence,
    Interval,
    Period,
    boundary,
    boundary_after,
    local_date,
    period,
    regular_period,
    start_of_day,
)
from tests.billing.builders import utc
from tests.billing.profiles import supporting

MONTH = Cadence(interval=Interval.MONTH)
DAY = timedelta(days=1)


def days_of(start: str, interval: Interval, numbers: range, count: int = 1) -> list[str]:
    anchor = Anchor(starts_at=utc(start))
    cadence = Cadence(interval=interval, count=count)
    return [f"{boundary(anchor, cadence, n):%Y-%m-%d}" for n in numbers]


def test_who_starts_on_a_leap_day_returns_to_it_every_four_years() -> None:
    assert days_of("2024-02-29", Interval.YEAR, range(9)) == [
        "2024-02-29",
        "2025-02-28",
        "2026-02-28",
        "2027-02-28",
        "2028-02-29",
        "2029-02-28",
        "2030-02-28",
        "2031-02-28",
        "2032-02-29",
    ]


@pytest.mark.parametrize(
    ("start", "interval", "count", "n", "day"),
    [
        ("2025-12-31", Interval.MONTH, 1, 2, "2026-02-28"),
        ("2023-12-31", Interval.MONTH, 1, 2, "2024-02-29"),
        ("2025-08-31", Interval.MONTH, 1, 1, "2025-09-30"),
        ("2025-08-31", Interval.MONTH, 6, 1, "2026-02-28"),
        ("2025-08-31", Interval.MONTH, 6, 2, "2026-08-31"),
        ("2025-08-31", Interval.QUARTER, 1, 1, "2025-11-30"),
        ("2025-08-31", Interval.QUARTER, 1, 2, "2026-02-28"),
        ("2025-01-29", Interval.MONTH, 1, 1, "2025-02-28"),
        ("2025-01-29", Interval.MONTH, 1, 2, "2025-03-29"),
        ("2025-01-28", Interval.MONTH, 1, 1, "2025-02-28"),
        ("2025-12-31", Interval.DAY, 1, 1, "2026-01-01"),
        ("2024-02-28", Interval.DAY, 1, 1, "2024-02-29"),
        ("2025-02-28", Interval.DAY, 1, 1, "2025-03-01"),
        ("2024-12-30", Interval.WEEK, 1, 1, "2025-01-06"),
        ("2024-02-26", Interval.WEEK, 1, 1, "2024-03-04"),
        ("2025-11-30", Interval.MONTH, 15, 1, "2027-02-28"),
        ("1999-12-31", Interval.YEAR, 1000, 1, "2999-12-31"),
        ("2096-02-29", Interval.YEAR, 1, 8, "2104-02-29"),
    ],
)
def test_a_day_that_its_month_lacks_becomes_the_last_one(
    start: str, interval: Interval, count: int, n: int, day: str
) -> None:
    [found] = days_of(start, interval, range(n, n + 1), count)

    assert found == day


@supporting
@given(
    st.dates(date(2000, 1, 1), date(2060, 12, 31)),
    st.integers(1, 30),
    st.integers(0, 40),
    st.times(),
)
def test_months_are_counted_on_the_fingers(day: date, count: int, n: int, at: time) -> None:
    """Month by month, and then the day of the anchor or the last that there is."""
    year, month = day.year, day.month
    for _ in range(count * n):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    last = monthrange(year, month)[1]
    anchor = Anchor(starts_at=datetime.combine(day, at, tzinfo=UTC))

    found = boundary(anchor, Cadence(interval=Interval.MONTH, count=count), n)

    assert found == anchor.starts_at.replace(year=year, month=month, day=min(day.day, last))


@supporting
@given(
    st.dates(date(2000, 1, 1), date(2060, 12, 31)),
    st.sampled_from(Interval),
    st.integers(1, 12),
    st.integers(0, 12),
    st.sampled_from(Alignment),
)
def test_a_long_period_is_as_many_short_ones(
    day: date, interval: Interval, count: int, n: int, alignment: Alignment
) -> None:
    anchor = Anchor(
        starts_at=start_of_day(day, "Europe/Berlin"),
        timezone="Europe/Berlin",
        alignment=alignment,
    )

    long = boundary(anchor, Cadence(interval=interval, count=count), n)

    assert long == boundary(anchor, Cadence(interval=interval), count * n)


@supporting
@given(st.dates(date(2000, 1, 1), date(2060, 12, 31)), st.integers(0, 40))
def test_names_of_intervals_are_numbers_of_days_and_months(day: date, n: int) -> None:
    anchor = Anchor(starts_at=start_of_day(day, "UTC"))

    def at(interval: Interval, count: int) -> datetime:
        return boundary(anchor, Cadence(interval=interval, count=count), n)

    assert at(Interval.WEEK, 1) == at(Interval.DAY, 7)
    assert at(Interval.QUARTER, 1) == at(Interval.MONTH, 3)
    assert at(Interval.YEAR, 1) == at(Interval.QUARTER, 4) == at(Interval.MONTH, 12)


@pytest.mark.parametrize("month", range(1, 13))
def test_a_quarter_of_the_calendar_has_its_three_months(month: int) -> None:
    anchor = Anchor(starts_at=datetime(2025, month, 17, tzinfo=UTC), alignment=Alignment.CALENDAR)
    first = {1: 1, 2: 4, 3: 7, 4: 10}[1 + (month - 1) // 3]

    found = regular_period(anchor, Cadence(interval=Interval.QUARTER), 0)

    assert (found.starts_at.month, found.starts_at.day) == (first, 1)
    assert found.ends_at.month == (first + 2) % 12 + 1


@pytest.mark.parametrize("day", range(13, 20))
def test_a_week_of_the_calendar_begins_on_monday(day: int) -> None:
    """13 January 2025 is a Monday."""
    anchor = Anchor(starts_at=datetime(2025, 1, day, 15, tzinfo=UTC), alignment=Alignment.CALENDAR)

    found = regular_period(anchor, Cadence(interval=Interval.WEEK), 0)

    assert found == Period(starts_at=utc("2025-01-13"), ends_at=utc("2025-01-20"))


@supporting
@given(st.integers(0, 20 * 366 * 86_400), st.sampled_from(Interval), st.sampled_from(Alignment))
def test_the_first_period_lies_in_its_regular_one(
    seconds: int, interval: Interval, alignment: Alignment
) -> None:
    starts_at = utc("2010-01-01") + timedelta(seconds=seconds)
    anchor = Anchor(starts_at=starts_at, timezone="America/New_York", alignment=alignment)
    cadence = Cadence(interval=interval)

    first, regular = period(anchor, cadence, 0), regular_period(anchor, cadence, 0)

    assert regular.starts_at <= first.starts_at == starts_at
    assert regular.ends_at == first.ends_at
    if alignment is Alignment.START:
        assert regular == first
    else:
        midnight = start_of_day(
            local_date(regular.starts_at, "America/New_York"), "America/New_York"
        )
        assert regular.starts_at == midnight


@pytest.mark.parametrize(
    ("start", "cadence", "n", "length", "ends_on"),
    [
        ("2025-01-31", "month 1", 1, "month 1", "2025-03-31"),
        ("2025-01-31", "month 1", 1, "quarter 1", "2025-05-31"),
        ("2025-01-31", "month 1", 1, "year 1", "2026-02-28"),
        ("2025-01-31", "quarter 1", 1, "month 1", "2025-05-31"),
        ("2025-01-31", "quarter 1", 1, "month 2", "2025-06-30"),
        ("2025-01-31", "month 1", 0, "month 1", "2025-02-28"),
        ("2025-01-31", "month 1", 1, "day 1", "2025-03-01"),
        ("2025-01-31", "month 1", 1, "week 2", "2025-03-14"),
        ("2025-01-31", "week 1", 2, "day 3", "2025-02-17"),
        ("2025-01-31", "week 1", 4, "month 1", "2025-03-28"),
        ("2025-01-31", "day 1", 28, "month 1", "2025-03-28"),
        ("2024-02-29", "year 1", 1, "year 3", "2028-02-29"),
    ],
)
def test_what_lives_for_a_length_ends_on_the_calendar_of_its_begin(
    *, start: str, cadence: str, n: int, length: str, ends_on: str
) -> None:
    every, lives = (
        Cadence(interval=Interval(one.split()[0]), count=int(one.split()[1]))
        for one in (cadence, length)
    )

    assert boundary_after(Anchor(starts_at=utc(start)), every, n, lives) == utc(ends_on)


@supporting
@given(
    st.dates(date(2000, 1, 1), date(2050, 12, 31)), st.sampled_from(Interval), st.integers(0, 30)
)
def test_what_lives_for_one_period_ends_where_the_next_begins(
    day: date, interval: Interval, n: int
) -> None:
    anchor, cadence = Anchor(starts_at=start_of_day(day, "UTC")), Cadence(interval=interval)

    assert boundary_after(anchor, cadence, n, cadence) == boundary(anchor, cadence, n + 1)
