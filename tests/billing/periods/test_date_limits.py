"""How far a date may lie from now: as far as the limit says, and not a moment further."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from billing.date_limits import (
    EARLIEST_CLOCK,
    LATEST_CLOCK,
    LONGEST_PLAN,
    MOST_BACKDATED_DAYS,
    BackdatingLimit,
    clock_in_words,
    require_between,
    require_few_missed,
    timestamp_in_future,
)
from billing.errors import InvalidInput
from billing.periods import Anchor, Cadence, Interval
from tests.billing.builders import utc

NOW = utc("2026-03-02T08:00")
MOMENT = timedelta(microseconds=1)
DAILY = Cadence(interval=Interval.DAY)


def anchor(starts_at: datetime) -> Anchor:
    return Anchor(starts_at=starts_at, timezone="UTC")


def test_both_ends_are_allowed() -> None:
    for instant in (NOW, NOW + MOMENT):
        require_between(instant, NOW, NOW + MOMENT, field="at")


@pytest.mark.parametrize("instant", [NOW - MOMENT, NOW + 2 * MOMENT])
def test_what_lies_outside_is_refused_with_both_ends(instant: datetime) -> None:
    with pytest.raises(InvalidInput) as refused:
        require_between(instant, NOW, NOW + MOMENT, field="at")

    assert (refused.value.code, refused.value.field) == ("out_of_range", "at")
    assert refused.value.detail == (
        "at must lie between 2026-03-02T08:00:00+00:00 and 2026-03-02T08:00:00.000001+00:00."
    )


@pytest.mark.parametrize(
    ("days", "earliest"), [(10, utc("2026-02-20T08:00")), (0, NOW)], ids=["ten days", "none"]
)
def test_start_goes_back_as_many_days_as_the_operator_allows(days: int, earliest: datetime) -> None:
    limit = BackdatingLimit(days=days)

    limit.require_start(earliest, now=NOW)
    with pytest.raises(InvalidInput) as refused:
        limit.require_start(earliest - MOMENT, now=NOW)

    assert refused.value.field == "start_date"


def test_start_goes_back_five_years_unless_the_operator_says_otherwise() -> None:
    assert BackdatingLimit() == BackdatingLimit(days=1830)
    assert MOST_BACKDATED_DAYS == 1830


def test_start_goes_ahead_as_far_as_anything_is_planned() -> None:
    BackdatingLimit().require_start(NOW + LONGEST_PLAN, now=NOW)

    with pytest.raises(InvalidInput):
        BackdatingLimit().require_start(NOW + LONGEST_PLAN + MOMENT, now=NOW)


def test_a_thousand_periods_may_be_missed_and_not_one_more() -> None:
    """The period that runs is not missed; it is number 1,000 when the thousandth has ended."""
    begin = anchor(NOW - timedelta(days=1000))

    require_few_missed(begin, DAILY, now=NOW)
    require_few_missed(begin, DAILY, now=NOW + timedelta(days=1) - MOMENT)
    with pytest.raises(InvalidInput) as refused:
        require_few_missed(begin, DAILY, now=NOW + timedelta(days=1))

    assert (refused.value.code, refused.value.field) == ("too_many_missed_periods", "start_date")
    assert refused.value.detail == (
        "From start_date on 1001 periods would be missed; 1000 are allowed. Start later, or bill by"
        " a longer interval."
    )


@pytest.mark.parametrize("ahead", [timedelta(0), MOMENT, timedelta(days=900)])
def test_what_begins_now_or_later_has_missed_nothing(ahead: timedelta) -> None:
    require_few_missed(anchor(NOW + ahead), DAILY, now=NOW)


def test_longer_interval_misses_fewer_periods() -> None:
    begin = anchor(NOW - timedelta(days=1200))

    require_few_missed(begin, Cadence(interval=Interval.WEEK), now=NOW)
    with pytest.raises(InvalidInput):
        require_few_missed(begin, DAILY, now=NOW)


@pytest.mark.parametrize(
    ("present", "is_test_clock", "words"),
    [
        (NOW, False, "this server's clock, 2026-03-02T08:00:00Z"),
        (NOW, True, "the customer's test clock, 2026-03-02T08:00:00Z"),
        (utc("2026-03-02T09:00+01:00"), True, "the customer's test clock, 2026-03-02T08:00:00Z"),
        (NOW + timedelta(seconds=59), False, "this server's clock, 2026-03-02T08:00:59Z"),
    ],
)
def test_a_refusal_says_which_clock_it_looked_at_in_utc(
    present: datetime, *, is_test_clock: bool, words: str
) -> None:
    assert clock_in_words(present, is_test_clock=is_test_clock) == words


@pytest.mark.parametrize(
    ("clock", "advice"),
    [("this server's clock", ""), ("the customer's test clock", " Advance the clock first.")],
)
def test_an_event_of_the_future_is_told_what_to_do(clock: str, advice: str) -> None:
    refused = timestamp_in_future(NOW, is_test_clock=bool(advice))

    assert (refused.code, refused.field) == ("timestamp_in_future", "timestamp")
    assert refused.detail == (
        f"timestamp lies more than five minutes ahead of {clock}, 2026-03-02T08:00:00Z.{advice}"
    )


def test_what_is_planned_lies_ten_years_and_clocks_of_tests_two_centuries_ahead() -> None:
    assert timedelta(days=3650) < LONGEST_PLAN <= timedelta(days=3660)
    assert (utc("1970-01-01"), utc("2200-01-01")) == (EARLIEST_CLOCK, LATEST_CLOCK)
