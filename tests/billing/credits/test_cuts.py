"""A line in the parts that different grants may pay: when it was used decides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.credits.cuts import (
    Segment,
    cut_instants,
    reduce,
    segments_at,
    segments_of_fixed,
    segments_of_late,
    segments_of_usage,
    used_after,
)
from billing.errors import InvariantBroken
from billing.money import ZERO
from billing.periods import Period
from tests.billing.credits.lots import grant
from tests.billing.credits.naive_credit import pile_up
from tests.billing.profiles import supporting

JANUARY = Period(
    starts_at=datetime(2025, 1, 1, tzinfo=UTC), ends_at=datetime(2025, 2, 1, tzinfo=UTC)
)


def day(number: int) -> datetime:
    return JANUARY.starts_at + timedelta(days=number - 1)


def test_period_is_cut_where_a_grant_begins_or_ends_inside_it() -> None:
    grants = [
        grant(effective_at=day(10), expires_at=day(20)),
        grant(effective_at=day(-10), expires_at=day(20)),
        grant(effective_at=day(1), expires_at=JANUARY.ends_at),
        grant(effective_at=day(5)),
        grant(effective_at=day(40)),
    ]

    assert cut_instants(JANUARY, grants) == (day(5), day(10), day(20))


def test_segment_is_the_growth_since_the_cut_before() -> None:
    found = segments_of_usage(JANUARY, [day(10), day(20)], [Decimal(4), Decimal(4), Decimal(9)])

    assert found == (
        Segment(used_at=day(1), amount=Decimal(4)),
        Segment(used_at=day(20), amount=Decimal(5)),
    )


def test_volume_price_that_falls_is_given_back_by_the_newest_segment() -> None:
    found = segments_of_usage(JANUARY, [day(10), day(20)], [Decimal(4), Decimal(10), Decimal(3)])

    assert found == (Segment(used_at=day(1), amount=Decimal(3)),)


def test_fixed_charge_is_used_at_the_end_of_its_period() -> None:
    assert segments_of_fixed(JANUARY, [day(10), day(20)], Decimal(5)) == (
        Segment(used_at=day(20), amount=Decimal(5)),
    )
    assert segments_of_fixed(JANUARY, [], Decimal(5)) == segments_at(day(1), Decimal(5))


def test_line_below_zero_has_nothing_to_pay() -> None:
    assert segments_at(day(1), Decimal(-5)) == ()
    assert segments_of_usage(JANUARY, [day(10)], [Decimal(-5), Decimal(-1)]) == ()


def test_totals_are_as_many_as_the_parts() -> None:
    with pytest.raises(InvariantBroken):
        segments_of_usage(JANUARY, [day(10)], [Decimal(1)])


@supporting
@given(totals=st.lists(st.integers(-5, 30), min_size=1, max_size=6))
def test_segments_are_the_coins_of_a_pile(totals: list[int]) -> None:
    cuts = [day(2 + place) for place in range(len(totals) - 1)]
    found = segments_of_usage(JANUARY, cuts, [Decimal(one) for one in totals])

    starts = [JANUARY.starts_at, *cuts]
    by_start = {one.used_at: int(one.amount) for one in found}
    assert [by_start.get(at, 0) for at in starts] == pile_up(totals)
    assert sum((one.amount for one in found), ZERO) == max(totals[-1], 0)


@supporting
@given(amounts=st.lists(st.integers(1, 9), max_size=5), by=st.integers(0, 60))
def test_what_is_taken_off_is_taken_from_the_newest(amounts: list[int], by: int) -> None:
    segments = [
        Segment(used_at=day(1 + place), amount=Decimal(one)) for place, one in enumerate(amounts)
    ]
    left = sum(amounts) - min(by, sum(amounts))

    found = reduce(segments, Decimal(by))

    assert sum((one.amount for one in found), ZERO) == left
    # The oldest are whole, one may be in part, and nothing is left of those after it.
    assert [one.used_at for one in found] == [one.used_at for one in segments[: len(found)]]
    assert all(new == old for new, old in zip(found[:-1], segments, strict=False))


@supporting
@given(amounts=st.lists(st.integers(1, 9), max_size=5), billed=st.integers(0, 60))
def test_what_was_billed_before_is_what_was_used_first(amounts: list[int], billed: int) -> None:
    segments = [
        Segment(used_at=day(1 + place), amount=Decimal(one)) for place, one in enumerate(amounts)
    ]

    found = used_after(segments, Decimal(billed))

    units = [day(1 + place) for place, one in enumerate(amounts) for _ in range(one)]
    left = [one.used_at for one in found for _ in range(int(one.amount))]
    assert left == units[billed:]


@pytest.mark.parametrize(
    ("total", "amounts"), [("5", [5]), ("0.01", ["0.01"]), ("0", []), ("-5", [])]
)
def test_late_usage_is_one_segment_from_the_begin_of_its_period(
    total: str, amounts: list[object]
) -> None:
    found = segments_of_late(JANUARY, day(40), Decimal(total))

    assert [(one.used_at, one.amount, one.until) for one in found] == [
        (day(1), Decimal(str(amount)), day(40)) for amount in amounts
    ]


def test_late_usage_is_billed_no_earlier_than_its_period_begins() -> None:
    [found] = segments_of_late(JANUARY, day(-5), Decimal(1))

    assert found.until == day(1)


@pytest.mark.parametrize(
    ("begins", "ends", "used", "until", "pays"),
    [
        pytest.param(1, 20, 1, None, True, id="from its first instant on"),
        pytest.param(1, 20, 19, None, True, id="on its last day"),
        pytest.param(1, 20, 20, None, False, id="as it is over"),
        pytest.param(2, 20, 1, None, False, id="before it begins"),
        pytest.param(1, None, 400, None, True, id="for ever"),
        pytest.param(1, 20, 1, 19, True, id="alive until it is billed"),
        pytest.param(1, 20, 1, 20, False, id="over as it is billed"),
        pytest.param(2, 20, 1, 19, False, id="began after it was used"),
        pytest.param(1, None, 1, 400, True, id="for ever, however late"),
    ],
)
def test_a_segment_is_paid_by_who_is_alive_when_it_counts(
    *, begins: int, ends: int | None, used: int, until: int | None, pays: bool
) -> None:
    segment = Segment(
        used_at=day(used), amount=Decimal(1), until=None if until is None else day(until)
    )
    one = grant(effective_at=day(begins), expires_at=None if ends is None else day(ends))

    assert segment.may_be_paid_by(one) is pays


@supporting
@given(totals=st.lists(st.integers(-5, 30), min_size=2, max_size=6), place=st.integers(0, 5))
def test_a_cut_before_which_nothing_more_was_used_changes_nothing(
    totals: list[int], place: int
) -> None:
    """A grant that begins while nobody uses anything makes no other segments."""
    at = place % (len(totals) - 1)
    cuts = [day(2 + 2 * number) for number in range(len(totals) - 1)]
    amounts = [Decimal(one) for one in totals]

    found = segments_of_usage(
        JANUARY,
        [*cuts[:at], cuts[at] - timedelta(days=1), *cuts[at:]],
        [*amounts[:at], amounts[at], *amounts[at:]],
    )

    assert found == segments_of_usage(JANUARY, cuts, amounts)


def test_a_fixed_charge_below_zero_has_nothing_to_pay() -> None:
    assert segments_of_fixed(JANUARY, [day(10)], Decimal(-5)) == ()
    assert segments_at(day(1), Decimal(0)) == ()


def test_no_more_is_taken_off_than_there_is() -> None:
    segments = segments_at(day(1), Decimal(5))

    assert reduce(segments, Decimal(5)) == reduce(segments, Decimal(99)) == ()
    assert reduce(segments, ZERO) == segments
    assert reduce((), Decimal(1)) == ()
