"""Invariant 19: parts of a split period add up to the whole."""

from __future__ import annotations

import itertools
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvalidInput
from billing.money import plain_text, round_half_away
from billing.periods import Period
from billing.rating.proration import WHOLE, ProrationBasis, Share, share_of, split
from billing.ratios import Ratio
from tests.billing.builders import JANUARY, USD, d, utc
from tests.billing.naive import round_half_away as naive_round
from tests.billing.profiles import thorough
from tests.billing.strategies import decimals

DAY, SECOND = ProrationBasis.DAY, ProrationBasis.SECOND
JANUARY_SECONDS = 31 * 86_400


def span(start: str, end: str) -> Period:
    return Period(starts_at=utc(start), ends_at=utc(end))


@thorough
@given(
    decimals(10**6, 2),
    st.lists(st.integers(0, JANUARY_SECONDS), max_size=4),
    st.sampled_from(ProrationBasis),
    st.sampled_from(("UTC", "America/New_York", "Asia/Kathmandu")),
)
def test_invariant_19_parts_of_a_period_add_up_to_the_whole(
    amount: Decimal, cuts: list[int], basis: ProrationBasis, zone: str
) -> None:
    edges = [0, *sorted(cuts), JANUARY_SECONDS]
    instants = [JANUARY.starts_at + timedelta(seconds=edge) for edge in edges]
    shares = [
        share_of(Period(starts_at=start, ends_at=end), JANUARY, timezone=zone, basis=basis)
        for start, end in itertools.pairwise(instants)
    ]

    assert sum(Fraction(share.covered, share.total) for share in shares) == 1
    parts = split(amount, shares, USD)
    assert sum(map(Fraction, parts)) == Fraction(amount)
    assert split(amount, shares, USD) == parts
    for part, share in zip(parts, shares, strict=True):
        alone = USD.round(share.of(amount))
        assert abs(part - alone) <= USD.minor_unit


@thorough
@given(decimals(10**9, 12), st.integers(0, 10**14), st.integers(1, 10**14), st.integers(0, 4))
def test_invariant_19_a_share_rounds_like_the_exact_fraction(
    amount: Decimal, covered: int, total: int, places: int
) -> None:
    share = Share(covered=min(covered, total), total=total)

    rounded = round_half_away(share.of(amount), places)

    exact = Fraction(amount) * share.covered / share.total
    assert Fraction(rounded) == naive_round(exact, places)


@pytest.mark.parametrize(
    ("start", "end", "basis", "zone", "share"),
    [("2025-01-15", "2025-02-01", DAY, "UTC", "17/31"),
     ("2025-01-01", "2025-02-01", DAY, "UTC", "31/31"),
     ("2025-01-15T23:59:59", "2025-02-01", DAY, "UTC", "17/31"),
     ("2025-01-15T00:00", "2025-01-15T23:00", DAY, "UTC", "0/31"),
     ("2025-01-15", "2025-02-01", DAY, "America/New_York", "17/31"),
     ("2025-01-16", "2025-02-01", SECOND, "UTC", "16/31"),
     ("2025-01-01", "2025-01-01T12:00", SECOND, "UTC", "1/62")],
)  # fmt: skip
def test_shares_of_january(
    *, start: str, end: str, basis: ProrationBasis, zone: str, share: str
) -> None:
    found = share_of(span(start, end), JANUARY, timezone=zone, basis=basis)

    assert Fraction(found.covered, found.total) == Fraction(share)
    assert found.basis is basis


def test_the_documented_example() -> None:
    share = share_of(span("2025-01-15", "2025-02-01"), JANUARY, timezone="UTC", basis=DAY)

    assert (share.covered, share.total, share.is_whole) == (17, 31, False)
    assert share.of(d(30)) == Ratio(510, 31)
    assert plain_text(share.of(d(30))) == "16.4516129032258064516129032258064516129"
    assert USD.round(share.of(d(30))) == d("16.45")


def test_a_day_of_23_hours_counts_as_one_day_and_as_23_hours() -> None:
    march = span("2025-03-01T00:00+01:00", "2025-04-01T00:00+02:00")
    day = span("2025-03-30T00:00+01:00", "2025-03-31T00:00+02:00")

    by_day = share_of(day, march, timezone="Europe/Berlin", basis=DAY)
    by_second = share_of(day, march, timezone="Europe/Berlin", basis=SECOND)

    assert (by_day.covered, by_day.total) == (1, 31)
    assert Fraction(by_second.covered, by_second.total) == Fraction(23, 31 * 24 - 1)


def test_pauses_are_taken_off_once() -> None:
    pauses = [
        span("2025-01-10", "2025-01-15"),
        span("2025-01-12", "2025-01-20"),
        span("2025-01-20", "2025-01-21"),
        span("2025-01-25T10:00", "2025-01-25T20:00"),
        span("2025-01-30", "2025-02-10"),
        span("2024-12-01", "2024-12-20"),
    ]

    share = share_of(JANUARY, JANUARY, timezone="UTC", basis=DAY, paused=pauses)
    inner = share_of(
        JANUARY,
        JANUARY,
        timezone="UTC",
        basis=SECOND,
        paused=[span("2025-01-01", "2025-01-11"), span("2025-01-02", "2025-01-03")],
    )

    assert (share.covered, share.total) == (31 - 11 - 2, 31)
    assert Fraction(inner.covered, inner.total) == Fraction(21, 31)


def test_a_pause_of_everything_leaves_nothing() -> None:
    share = share_of(JANUARY, JANUARY, timezone="UTC", basis=DAY, paused=[JANUARY, JANUARY])

    assert share.of(d(30)) == 0


def test_an_empty_regular_period_owes_nothing() -> None:
    empty = span("2025-01-01", "2025-01-01")

    assert share_of(empty, empty, timezone="UTC", basis=DAY) == Share(covered=0, total=1)
    by_second = share_of(empty, empty, timezone="UTC", basis=SECOND)
    assert (by_second.of(d(30)), by_second.basis) == (0, SECOND)


@pytest.mark.parametrize(
    ("start", "end"), [("2024-12-31", "2025-01-05"), ("2025-01-05", "2025-02-02")]
)
def test_a_part_outside_its_period_is_refused(start: str, end: str) -> None:
    with pytest.raises(InvalidInput, match="outside") as refused:
        share_of(span(start, end), JANUARY, timezone="UTC", basis=DAY)
    assert refused.value.field == "part"


@pytest.mark.parametrize(("covered", "total"), [(-1, 3), (4, 3), (0, 0), (0, -1)])
def test_shares_lie_between_none_and_all(covered: int, total: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        Share(covered=covered, total=total)
    assert refused.value.field == "covered"


def test_whole_shares_keep_the_amount_as_it_is() -> None:
    assert str(WHOLE.of(d("30.00"))) == "30.00"
    assert (WHOLE.covered, WHOLE.total, WHOLE.basis) == (1, 1, DAY)
