"""The end of a grant: what rolls over, until when it lives then, and what each part had cost."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credits.expiry import Rollover, cost_of_rest, rolled_amount
from billing.errors import InvalidInput
from billing.periods import Anchor, Cadence, Interval
from billing.units import Unit
from tests.billing.builders import d, utc
from tests.billing.credits.lots import DOLLARS
from tests.billing.naive import round_half_away
from tests.billing.profiles import supporting

TOKENS = Unit(code="TOKENS", scale=0)
MONTH, WEEK, DAY = (Cadence(interval=one) for one in (Interval.MONTH, Interval.WEEK, Interval.DAY))
LAST_OF_JANUARY = Anchor(starts_at=utc("2025-01-31"))


@pytest.mark.parametrize(
    ("rest", "granted", "most", "percent", "goes_on"),
    [
        pytest.param("40", "100", "25", "30", "25", id="the documented example"),
        pytest.param("40", "100", None, "30", "30", id="a part of what was granted"),
        pytest.param("40", "100", "25", None, "25", id="a number of units"),
        pytest.param("20", "100", "25", "30", "20", id="no more than is left"),
        pytest.param("40", "100", None, None, "40", id="all of it"),
        pytest.param("0", "100", "25", "30", "0", id="nothing is left"),
        pytest.param("100", "100", "100", "100", "100", id="limits that limit nothing"),
        pytest.param("10", "11", None, "0.5", "0.06", id="half a cent is one"),
        pytest.param("10", "10.90", None, "0.5", "0.05", id="less than half a cent is none"),
        pytest.param("10", "0.99", None, "0.5", "0", id="a part of less than half a cent"),
    ],
)
def test_the_least_of_rest_and_limits_goes_on(
    *, rest: str, granted: str, most: str | None, percent: str | None, goes_on: str
) -> None:
    rollover = Rollover(
        max=None if most is None else d(most), percent=None if percent is None else d(percent)
    )

    assert rolled_amount(rollover, d(rest), granted=d(granted), unit=DOLLARS) == d(goes_on)


def test_without_a_rollover_all_of_the_rest_expires() -> None:
    assert rolled_amount(None, d(40), granted=d(100), unit=DOLLARS) == 0


def test_a_part_is_rounded_to_the_finest_part_of_the_unit() -> None:
    half = Rollover(percent=d(50))

    assert rolled_amount(half, d(5), granted=d(5), unit=TOKENS) == 3
    assert rolled_amount(half, d(5), granted=d(5), unit=DOLLARS) == d("2.50")
    assert rolled_amount(half, d(2), granted=d(5), unit=TOKENS) == 2


@pytest.mark.parametrize(
    ("most", "goes_on"),
    [("0.005", "0"), ("0.015", "0.01"), ("24.999", "24.99"), ("25.00", "25"), ("1E-20", "0")],
)
def test_what_goes_on_is_an_amount_that_the_unit_can_say(most: str, goes_on: str) -> None:
    """Else there were a grant that no bill could be paid by, nor be made beside."""
    found = rolled_amount(Rollover(max=d(most)), d(40), granted=d(100), unit=DOLLARS)

    assert found == d(goes_on)
    assert DOLLARS.round(found) == found


def test_a_limit_that_is_finer_than_its_unit_is_refused_where_the_unit_is_known() -> None:
    Rollover().require_scale(TOKENS)
    Rollover(max=d(25), percent=d("0.5")).require_scale(TOKENS)
    Rollover(max=d("0.01")).require_scale(DOLLARS)
    for rollover, unit in [(Rollover(max=d("0.5")), TOKENS), (Rollover(max=d("0.005")), DOLLARS)]:
        with pytest.raises(InvalidInput) as refused:
            rollover.require_scale(unit)
        assert (refused.value.code, refused.value.field) == ("finer_than_unit", "rollover.max")


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"times": 0}, "invalid_input", "rollover.times"),
        ({"times": 1001}, "invalid_input", "rollover.times"),
        ({"times": True}, "invalid_input", "rollover.times"),
        ({"max": d(0)}, "not_positive", "rollover.max"),
        ({"max": d("-0.01")}, "not_positive", "rollover.max"),
        ({"percent": d(0)}, "invalid_input", "rollover.percent"),
        ({"percent": d(-1)}, "invalid_input", "rollover.percent"),
        ({"percent": d("100.01")}, "invalid_input", "rollover.percent"),
        ({"max": 0.5}, "invalid_number", "max"),
        ({"percent": d("NaN")}, "invalid_number", "percent"),
    ],
)
def test_a_rollover_that_cannot_be_is_refused_and_named(
    given: dict[str, object], code: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        Rollover(**given)  # type: ignore[arg-type]  # what a test says by name

    assert (refused.value.code, refused.value.field) == (code, field)


def test_a_rollover_may_be_of_everything_and_a_thousand_times() -> None:
    one = Rollover(times=1000, percent=d(100), max=d("0.01"))

    assert (one.times, one.percent, one.max) == (1000, 100, d("0.01"))


def test_each_time_is_one_less_and_the_last_one_has_no_next() -> None:
    one = Rollover(times=3, max=d(7), percent=d(50), expires_after=MONTH, calendar=LAST_OF_JANUARY)

    second = one.rest_of_times()
    assert second == Rollover(
        times=2, max=d(7), percent=d(50), expires_after=MONTH, calendar=LAST_OF_JANUARY
    )
    third = second.rest_of_times()
    assert third is not None
    assert (third.times, third.rest_of_times()) == (1, None)


EXPIRIES: list[tuple[str, Cadence | None, Anchor | None, str, str, str | None]] = [
    ("for ever", None, None, "2025-02-28", "UTC", None),
    ("for ever, whatever the calendar", None, LAST_OF_JANUARY, "2025-02-28", "UTC", None),
    ("by its own day", MONTH, None, "2025-02-28", "UTC", "2025-03-28"),
    ("as the next grants begin", MONTH, LAST_OF_JANUARY, "2025-02-28", "UTC", "2025-03-31"),
    ("from the first grant on", MONTH, LAST_OF_JANUARY, "2025-01-31", "UTC", "2025-02-28"),
    ("days after a month", WEEK, LAST_OF_JANUARY, "2025-02-28", "UTC", "2025-03-07"),
    ("on a day of the calendar", DAY, LAST_OF_JANUARY, "2025-02-10", "UTC", "2025-02-11"),
    ("a month after such a day", MONTH, LAST_OF_JANUARY, "2025-02-10", "UTC", "2025-03-10"),
    ("beside the calendar", MONTH, LAST_OF_JANUARY, "2025-02-10T12:00", "UTC", "2025-03-10T12:00"),
    ("by the local clock", MONTH, None, "2025-02-28T23:00", "Europe/Berlin", "2025-03-31T22:00"),
    ("by UTC", MONTH, None, "2025-02-28T23:00", "UTC", "2025-03-28T23:00"),
    ("a leap day", MONTH, None, "2024-01-29", "UTC", "2024-02-29"),
    ("no leap day", MONTH, None, "2025-01-29", "UTC", "2025-02-28"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("length", "calendar", "expired_at", "timezone", "expires_at"),
    [case[1:] for case in EXPIRIES],
    ids=[case[0] for case in EXPIRIES],
)
def test_what_rolled_over_lives_as_long_as_it_says(
    length: Cadence | None,
    calendar: Anchor | None,
    expired_at: str,
    timezone: str,
    expires_at: str | None,
) -> None:
    rollover = Rollover(expires_after=length, calendar=calendar)

    found = rollover.next_expiry(utc(expired_at), timezone)

    assert found == (None if expires_at is None else utc(expires_at))


@supporting
@given(st.integers(0, 60))
def test_on_its_calendar_what_rolls_over_month_by_month_stays_on_the_boundaries(n: int) -> None:
    """However often it rolls over, it ends at the last day of a month, as the anchor says."""
    rollover = Rollover(expires_after=MONTH, calendar=LAST_OF_JANUARY)
    at: datetime | None = LAST_OF_JANUARY.starts_at
    for _ in range(n):
        assert at is not None
        at = rollover.next_expiry(at, "UTC")

    assert at is not None
    assert (at.year, at.month) == (2025 + n // 12, 1 + n % 12)
    assert at.day == {2: 29 if at.year % 4 == 0 else 28, 4: 30, 6: 30, 9: 30, 11: 30}.get(
        at.month, 31
    )


@pytest.mark.parametrize(
    ("cost", "granted", "places", "costs"),
    [
        pytest.param("10", "3", 2, "10 6.67 3.33 0", id="the documented example"),
        pytest.param("100", "3", 0, "100 67 33 0", id="yen"),
        pytest.param("1", "3", 3, "1 0.667 0.333 0", id="dinars"),
        pytest.param("0.01", "2", 2, "0.01 0 0", id="half a cent goes with the first"),
        pytest.param("0.02", "4", 2, "0.02 0.01 0.01 0 0", id="two cents of four"),
        pytest.param("0", "2", 2, "0 0 0", id="nothing"),
        pytest.param("200", "2", 2, "200 100 0", id="more than one each"),
    ],
)
def test_a_rest_costs_what_its_part_of_the_grant_did(
    cost: str, granted: str, places: int, costs: str
) -> None:
    found = [
        cost_of_rest(d(cost), d(rest), granted=d(granted), places=places)
        for rest in range(int(granted), -1, -1)
    ]

    assert found == [d(one) for one in costs.split()]


@supporting
@given(
    cents=st.integers(0, 10**7),
    granted=st.integers(1, 10**6),
    rests=st.lists(st.integers(0, 10**6), max_size=5),
)
def test_parts_of_a_grant_cost_what_it_did_in_whatever_steps_it_goes(
    cents: int, granted: int, rests: list[int]
) -> None:
    cost = Decimal(cents).scaleb(-2)
    steps = [granted, *sorted((one % (granted + 1) for one in rests), reverse=True), 0]

    left = [cost_of_rest(cost, Decimal(one), granted=Decimal(granted), places=2) for one in steps]

    assert (left[0], left[-1]) == (cost, 0)
    assert left == sorted(left, reverse=True)
    for rest, found in zip(steps, left, strict=True):
        used = round_half_away(Fraction(cost) * (granted - rest) / granted, 2)
        assert Fraction(found) == Fraction(cost) - used


@supporting
@given(
    rest=st.integers(0, 500),
    granted=st.integers(1, 500),
    most=st.none() | st.integers(1, 500),
    percent=st.none() | st.integers(1, 100),
)
def test_no_more_goes_on_than_is_left_and_than_each_limit(
    rest: int, granted: int, most: int | None, percent: int | None
) -> None:
    rollover = Rollover(
        max=None if most is None else Decimal(most),
        percent=None if percent is None else Decimal(percent),
    )

    found = rolled_amount(rollover, Decimal(rest), granted=Decimal(granted), unit=TOKENS)

    limits = [Fraction(rest)]
    if most is not None:
        limits.append(Fraction(most))
    if percent is not None:
        limits.append(round_half_away(Fraction(granted * percent, 100), 0))
    assert Fraction(found) == min(limits)
