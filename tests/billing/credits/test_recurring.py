"""Grants that recur: when each begins and is over, which are due, and how many may be at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credits.recurring import (
    MOST_MISSED,
    MOST_SOLD,
    MOST_TO_COME,
    Occurrence,
    Recurrence,
    id_of,
)
from billing.errors import InvalidInput
from billing.periods import Anchor, Cadence, Interval
from tests.billing.builders import utc
from tests.billing.profiles import thorough

MONTHLY, DAILY = Cadence(interval=Interval.MONTH), Cadence(interval=Interval.DAY)
LAST_OF_JANUARY = Anchor(starts_at=utc("2025-01-31"))
DAY = timedelta(days=1)


def begins(found: list[Occurrence]) -> list[tuple[int, str]]:
    """The grants by their number and local day."""
    return [(one.number, one.begins_at.date().isoformat()) for one in found]


def test_monthly_from_the_31st_in_april_two_are_due_beside_the_first() -> None:
    rule = Recurrence(anchor=LAST_OF_JANUARY, cadence=MONTHLY)

    assert begins(list(rule.due(1, utc("2025-04-15")))) == [(1, "2025-02-28"), (2, "2025-03-31")]
    assert begins(list(rule.due(0, utc("2025-02-27")))) == [(0, "2025-01-31")]


def test_a_grant_is_due_at_its_instant_and_not_before() -> None:
    rule = Recurrence(anchor=LAST_OF_JANUARY, cadence=MONTHLY)
    second = utc("2025-02-28")

    assert begins(list(rule.due(1, second - timedelta(microseconds=1)))) == []
    assert begins(list(rule.due(1, second))) == [(1, "2025-02-28")]


def test_a_rule_brings_nothing_at_its_end_nor_after_it() -> None:
    rule = Recurrence(anchor=LAST_OF_JANUARY, cadence=MONTHLY, ends_at=utc("2025-03-31"))

    assert begins(list(rule.due(0, utc("2026-01-01")))) == [(0, "2025-01-31"), (1, "2025-02-28")]
    assert rule.begins_at(2) is None


def test_beyond_the_calendar_nothing_begins() -> None:
    rule = Recurrence(anchor=Anchor(starts_at=utc("9999-12-01")), cadence=MONTHLY)

    assert rule.begins_at(0) == utc("9999-12-01")
    assert rule.begins_at(1) is None
    assert begins(list(rule.due(0, datetime.max.replace(tzinfo=utc("2025-01-01").tzinfo)))) == [
        (0, "9999-12-01")
    ]


def test_what_lives_for_one_period_is_over_as_the_next_begins() -> None:
    rule = Recurrence(anchor=LAST_OF_JANUARY, cadence=MONTHLY, expires_after=MONTHLY)

    found = list(rule.due(0, utc("2025-12-31")))

    assert len(found) == 12
    assert all(one.expires_at == after.begins_at for one, after in pairwise(found))


def test_what_lives_for_ever_expires_never() -> None:
    rule = Recurrence(anchor=LAST_OF_JANUARY, cadence=MONTHLY)

    assert {one.expires_at for one in rule.due(0, utc("2026-01-01"))} == {None}


def test_a_grant_is_alive_from_its_begin_and_up_to_its_end() -> None:
    one = Occurrence(number=0, begins_at=utc("2025-01-01"), expires_at=utc("2025-01-02"))
    lasting = Occurrence(number=0, begins_at=utc("2025-01-01"), expires_at=None)
    instants = [utc("2025-01-01") + part * DAY for part in (-0.5, 0, 0.5, 1)]

    assert [one.is_alive(at) for at in instants] == [False, True, True, False]
    assert [lasting.is_alive(at) for at in instants] == [False, True, True, True]
    assert not one.is_empty
    assert not lasting.is_empty


def test_a_local_day_that_a_zone_skipped_has_a_grant_without_a_life() -> None:
    anchor = Anchor(starts_at=utc("2011-12-29T10:00:00"), timezone="Pacific/Apia")
    rule = Recurrence(anchor=anchor, cadence=DAILY, expires_after=DAILY)

    found = list(rule.due(0, utc("2012-01-02")))

    empty = [one for one in found if one.is_empty]
    assert len(empty) == 1
    assert not empty[0].is_alive(empty[0].begins_at)
    assert [one.number for one in found] == list(range(len(found)))


def test_nobody_buys_what_is_over() -> None:
    rule = Recurrence(anchor=LAST_OF_JANUARY, cadence=MONTHLY, expires_after=MONTHLY)

    assert begins(list(rule.sold(0, utc("2025-04-15")))) == [(2, "2025-03-31")]
    # At the instant at which one is over the next one begins.
    assert begins(list(rule.sold(0, utc("2025-03-31")))) == [(2, "2025-03-31")]


@pytest.mark.parametrize(("days", "is_refused"), [(MOST_SOLD - 1, False), (MOST_SOLD, True)])
def test_no_more_is_sold_at_once_than_a_request_makes_invoices(
    days: int, *, is_refused: bool
) -> None:
    rule = Recurrence(anchor=Anchor(starts_at=utc("2025-01-01")), cadence=DAILY)
    at = utc("2025-01-01") + days * DAY

    if not is_refused:
        rule.require_sellable(at)
        return
    with pytest.raises(InvalidInput) as refused:
        rule.require_sellable(at)
    assert (refused.value.code, refused.value.field) == ("too_many_missed", "anchor")


@pytest.mark.parametrize(("days", "is_refused"), [(MOST_MISSED - 1, False), (MOST_MISSED, True)])
def test_an_anchor_lies_no_further_back_than_a_thousand_grants(
    days: int, *, is_refused: bool
) -> None:
    rule = Recurrence(anchor=Anchor(starts_at=utc("2020-01-01")), cadence=DAILY)
    at = utc("2020-01-01") + days * DAY

    if not is_refused:
        rule.require_bounded(at)
        return
    with pytest.raises(InvalidInput) as refused:
        rule.require_bounded(at)
    assert (refused.value.code, refused.value.field) == ("too_many_missed", "anchor")


def test_a_rule_that_ended_is_bounded_however_old_it_is() -> None:
    rule = Recurrence(
        anchor=Anchor(starts_at=utc("1990-01-01")), cadence=DAILY, ends_at=utc("1990-02-01")
    )

    rule.require_bounded(utc("2025-01-01"))


@pytest.mark.parametrize(("days", "is_refused"), [(MOST_TO_COME - 1, False), (MOST_TO_COME, True)])
def test_a_balance_counts_no_more_grants_to_come_than_ten_years_of_days(
    days: int, *, is_refused: bool
) -> None:
    rule = Recurrence(anchor=Anchor(starts_at=utc("2020-01-01")), cadence=DAILY)
    first = 100
    at = utc("2020-01-01") + (first + days) * DAY

    if not is_refused:
        rule.require_countable(first, at)
        return
    with pytest.raises(InvalidInput) as refused:
        rule.require_countable(first, at)
    assert (refused.value.code, refused.value.field) == ("too_many_to_come", "at")


@thorough
@given(
    first=st.integers(0, 40),
    hours=st.integers(0, 24 * 400),
    interval=st.sampled_from([Interval.DAY, Interval.WEEK, Interval.MONTH]),
    count=st.integers(1, 5),
)
def test_what_is_due_is_what_follows_the_last_that_was(
    first: int, hours: int, interval: Interval, count: int
) -> None:
    rule = Recurrence(
        anchor=LAST_OF_JANUARY, cadence=Cadence(interval=interval, count=count), ends_at=None
    )
    at = LAST_OF_JANUARY.starts_at + timedelta(hours=hours)

    everything = list(rule.due(0, at))

    assert [one.number for one in everything] == list(range(len(everything)))
    assert list(rule.due(first, at)) == everything[first:]
    assert all(one.begins_at < after.begins_at for one, after in pairwise(everything))


def test_a_grant_is_known_by_its_rule_and_number_before_it_is_stored() -> None:
    rule, other = UUID(int=1), UUID(int=2)

    assert id_of(rule, 3) == id_of(rule, 3)
    assert len({id_of(rule, 3), id_of(rule, 4), id_of(other, 3)}) == 3
