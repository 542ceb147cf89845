"""What no period can be made of is refused."""

from __future__ import annotations

import pytest

from billing.errors import InvalidInput
from billing.periods import (
    Anchor,
    Cadence,
    Interval,
    Period,
    as_utc,
    boundary,
    index_containing,
)
from tests.billing.builders import utc


@pytest.mark.parametrize("name", ["Mars/Base", "", "localtime", "../etc/passwd", "/UTC", "America"])
def test_unknown_zones_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Anchor(starts_at=utc("2025-01-01"), timezone=name)

    assert (refused.value.code, refused.value.field) == ("unknown_timezone", "timezone")


def test_instants_without_a_zone_are_refused() -> None:
    naive = utc("2025-01-01").replace(tzinfo=None)

    for make in (
        lambda: Anchor(starts_at=naive),
        lambda: Period(starts_at=naive, ends_at=utc("2025-01-01")),
        lambda: as_utc(naive, field="starts_at"),
    ):
        with pytest.raises(InvalidInput) as refused:
            make()
        assert (refused.value.code, refused.value.field) == ("naive_datetime", "starts_at")
    with pytest.raises(InvalidInput) as refused:
        Period(starts_at=utc("2025-01-01"), ends_at=naive)
    assert refused.value.field == "ends_at"


def test_reversed_dates_are_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        Period(starts_at=utc("2025-02-01"), ends_at=utc("2025-01-01"))

    assert refused.value.field == "ends_at"


@pytest.mark.parametrize("count", [0, -1, 1001, True, 1.5, "1"])
def test_interval_counts_are_refused_beyond_their_range(count: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        Cadence(interval=Interval.MONTH, count=count)

    assert refused.value.field == "interval_count"


def test_interval_counts_reach_a_thousand() -> None:
    anchor = Anchor(starts_at=utc("2025-01-01"))

    assert boundary(anchor, Cadence(interval=Interval.DAY, count=1000), 1) == utc("2027-09-28")


def test_dates_beyond_the_calendar_are_refused() -> None:
    anchor = Anchor(starts_at=utc("9990-01-01"))
    for interval in Interval:
        with pytest.raises(InvalidInput) as refused:
            boundary(anchor, Cadence(interval=interval, count=1000), 11)
        assert refused.value.code == "date_out_of_range"
    late = Anchor(starts_at=utc("9998-12-31T23:00:00"), timezone="America/New_York")
    edge = Cadence(interval=Interval.DAY)
    with pytest.raises(InvalidInput) as refused:
        boundary(late, edge, 366)
    assert refused.value.code == "date_out_of_range"
    with pytest.raises(InvalidInput, match="starts at 0"):
        boundary(anchor, edge, -1)
    with pytest.raises(InvalidInput, match="before the first"):
        index_containing(anchor, edge, utc("9989-12-31"))
