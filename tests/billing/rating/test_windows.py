"""Reset windows: which usage a period reads, and what each window includes."""

from __future__ import annotations

import itertools
from datetime import datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from billing.identifiers import ChargeId, MeterId
from billing.periods import Alignment, Anchor, Interval, Period, period
from billing.rating.quantities import measure_quantities, usage_windows
from tests.billing.builders import (
    ANCHOR,
    CHARGE,
    JANUARY,
    METER,
    answer,
    d,
    fixed_charge,
    limit,
    measured,
    plan,
    usage_charge,
    utc,
)
from tests.billing.profiles import thorough

QUARTER = Period(starts_at=utc("2025-01-01"), ends_at=utc("2025-04-01"))
OTHER_CHARGE = ChargeId(UUID(int=20))
OTHER_METER = MeterId(UUID(int=21))


def test_windows_shorter_than_the_period_are_allowed_for_one_by_one() -> None:
    terms = plan(usage_charge(), features=[limit("1000")], interval=Interval.QUARTER)

    quantity = measured(terms, "1500", "200", "1000", span=QUARTER)

    assert (quantity.measured, quantity.included, quantity.billable) == (2700, 2200, 500)
    assert (quantity.over_limit, quantity.billable_within_limit) == (500, 0)
    assert (quantity.event_count, quantity.billable_event_count) == (3, 3)
    assert [(one.measured, one.included, one.over_limit) for one in quantity.windows] == [
        (1500, 1000, 500), (200, 200, 0), (1000, 1000, 0),
    ]  # fmt: skip
    assert [one.starts_at for one in quantity.windows] == [
        utc("2025-01-01"), utc("2025-02-01"), utc("2025-03-01"),
    ]  # fmt: skip
    assert quantity.windows[-1].ends_at == QUARTER.ends_at


def test_a_window_longer_than_the_period_is_shared_by_its_periods() -> None:
    terms = plan(usage_charge(), features=[limit("1000", reset=Interval.YEAR)])
    march = period(ANCHOR, terms.cadence, 2)
    windows = usage_windows(terms, march, ANCHOR)

    assert [(w.starts_at, w.ends_at, w.is_earlier) for w in windows] == [
        (utc("2025-01-01"), utc("2025-03-01"), True), (utc("2025-03-01"), utc("2025-04-01"), False),
    ]  # fmt: skip
    for earlier, used, billable, over in [
        ("0", "400", "0", "0"), ("800", "400", "200", "200"), ("1000", "400", "400", "400"),
        ("1700", "400", "400", "400"),
    ]:  # fmt: skip
        quantity = measured(terms, earlier, used, span=march)
        assert (quantity.billable, quantity.over_limit) == (d(billable), d(over))
        assert (quantity.measured, quantity.windows[0].earlier) == (400, d(earlier))
    january = usage_windows(terms, JANUARY, ANCHOR)
    assert [one.is_earlier for one in january] == [False]


def test_a_window_cut_by_an_early_bill_is_shared_by_both_parts() -> None:
    terms = plan(usage_charge(), features=[limit("1000")])
    first = Period(starts_at=JANUARY.starts_at, ends_at=utc("2025-01-20T12:00"))
    rest = Period(starts_at=first.ends_at, ends_at=JANUARY.ends_at)

    one = measured(terms, "700", span=first)
    two = measured(terms, "700", "500", span=rest)

    assert (one.included, one.billable) == (700, 0)
    assert (two.included, two.billable, two.over_limit) == (300, 200, 200)


def test_windows_reach_back_to_the_anchor_at_most() -> None:
    terms = plan(usage_charge(), features=[limit("1000", reset=Interval.YEAR)])
    anchor = Anchor(starts_at=utc("2025-03-15"), alignment=Alignment.CALENDAR)
    first, second = (period(anchor, terms.cadence, n) for n in (0, 1))

    assert [w.is_earlier for w in usage_windows(terms, first, anchor)] == [False]
    earlier, billed = usage_windows(terms, second, anchor)
    assert (earlier.starts_at, earlier.ends_at) == (utc("2025-03-15"), utc("2025-04-01"))
    assert (billed.starts_at, billed.ends_at) == (utc("2025-04-01"), utc("2025-05-01"))
    assert (billed.charge_id, billed.meter_id) == (CHARGE, METER)


def test_periods_that_straddle_windows_are_cut_at_each_reset() -> None:
    terms = plan(usage_charge(), features=[limit("10", reset=Interval.WEEK)])

    windows = usage_windows(terms, period(ANCHOR, terms.cadence, 1), ANCHOR)

    starts = ["2025-01-29", "2025-02-01", "2025-02-05", "2025-02-12", "2025-02-19", "2025-02-26"]
    assert [one.starts_at for one in windows] == [utc(start) for start in starts]
    assert [one.is_earlier for one in windows] == [True, *[False] * 5]
    assert windows[-1].ends_at == utc("2025-03-01")


def test_charges_without_allowance_or_limit_read_the_whole_period() -> None:
    features = [limit(None, reset=Interval.DAY)]
    terms = plan(usage_charge(), fixed_charge(), features=features)

    (window,) = usage_windows(terms, JANUARY, ANCHOR)

    assert (window.starts_at, window.ends_at) == (JANUARY.starts_at, JANUARY.ends_at)


@thorough
@given(
    n=st.integers(0, 40),
    reset=st.sampled_from([Interval.DAY, Interval.WEEK, Interval.MONTH, Interval.YEAR]),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu"]),
    alignment=st.sampled_from(list(Alignment)),
    offset=st.integers(0, 1_000_000),
)
def test_invariant_18_usage_windows_tile_the_period(
    *, n: int, reset: Interval, zone: str, alignment: Alignment, offset: int
) -> None:
    terms = plan(usage_charge(), features=[limit("1000", reset=reset)])
    start = datetime.fromtimestamp(1_700_000_000 + offset, tz=utc("2025-01-01").tzinfo)
    anchor = Anchor(starts_at=start, timezone=zone, alignment=alignment)
    span = period(anchor, terms.cadence, n)

    windows = usage_windows(terms, span, anchor)

    billed = [one for one in windows if not one.is_earlier]
    assert billed[0].starts_at == span.starts_at
    assert billed[-1].ends_at == span.ends_at
    for before, after in itertools.pairwise(windows):
        assert before.ends_at == after.starts_at
        assert before.starts_at < before.ends_at
    assert windows[0].starts_at >= anchor.starts_at
    measure_quantities(terms, span, answer(terms, span, [d(1)] * len(windows), anchor=anchor))
