"""Billing periods: from an anchor, a zone and an interval to exact instants.

This is the only module that knows the local calendar. Boundaries are counted from the anchor, never
from the previous boundary, so a subscription that starts on the 31st returns to the 31st after
February. A stored boundary is a fact and is not computed again.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from billing.errors import InvalidInput

_MICROSECOND: Final = timedelta(microseconds=1)


class Interval(StrEnum):
    """The unit in which billing and reset periods are counted."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Alignment(StrEnum):
    """Where the first period ends: one interval after the start, or at the calendar's next unit."""

    START = "start"
    CALENDAR = "calendar"


_MONTHS: Final = {Interval.MONTH: 1, Interval.QUARTER: 3, Interval.YEAR: 12}
_DAYS: Final = {Interval.DAY: 1, Interval.WEEK: 7}


def as_utc(instant: datetime, *, field: str = "instant") -> datetime:
    """Give the same instant in UTC.

    Raises: InvalidInput ``naive_datetime`` if the value has no zone.
    """
    if instant.tzinfo is UTC:
        return instant
    if instant.utcoffset() is None:
        raise InvalidInput(f"{field} needs a time zone.", code="naive_datetime", field=field)
    return instant.astimezone(UTC)


def find_zone(name: str, *, field: str = "timezone") -> ZoneInfo:
    """Give the IANA time zone of that name.

    Raises: InvalidInput ``unknown_timezone``.
    """
    if name not in _zone_names():
        raise InvalidInput(
            f"{name!r} is not an IANA time zone.", code="unknown_timezone", field=field
        )
    return ZoneInfo(name)


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    # "localtime" is whatever the machine is set to, so it would make bills depend on the machine.
    return frozenset(available_timezones()) - {"localtime"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cadence:
    """How long a period is: ``count`` times ``interval``."""

    interval: Interval
    count: int = 1

    def __post_init__(self) -> None:
        if type(self.count) is not int or not 1 <= self.count <= 1000:
            raise InvalidInput("interval_count must be 1 to 1000.", field="interval_count")


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The point from which a subscription's periods are counted, and the zone they are counted in.

    ``starts_at`` is when billing starts: the start date, or the end of the trial.
    """

    starts_at: datetime
    timezone: str = "UTC"
    alignment: Alignment = Alignment.START

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts_at", as_utc(self.starts_at, field="starts_at"))
        find_zone(self.timezone)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Period:
    """A half-open span of time: ``starts_at`` belongs to it, ``ends_at`` to the next one.

    A period may be empty where a zone skipped a whole local day (Samoa, 30 December 2011).
    """

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts_at", as_utc(self.starts_at, field="starts_at"))
        object.__setattr__(self, "ends_at", as_utc(self.ends_at, field="ends_at"))
        if self.ends_at < self.starts_at:
            raise InvalidInput("A period cannot end before it starts.", field="ends_at")

    def __contains__(self, instant: datetime) -> bool:
        return self.starts_at <= instant < self.ends_at

    @property
    def is_empty(self) -> bool:
        """Whether no instant lies in it."""
        return self.starts_at == self.ends_at

    @property
    def elapsed_microseconds(self) -> int:
        """Its true length; a day on which the clocks change has 23 or 25 hours."""
        return (self.ends_at - self.starts_at) // _MICROSECOND

    def intersect(self, other: Period) -> Period | None:
        """Give the part that both cover, or None."""
        starts_at = max(self.starts_at, other.starts_at)
        ends_at = min(self.ends_at, other.ends_at)
        return Period(starts_at=starts_at, ends_at=ends_at) if starts_at < ends_at else None

    def first_day(self, timezone: str) -> date:
        """Give the local date on which it starts."""
        return local_date(self.starts_at, timezone)

    def last_covered_day(self, timezone: str) -> date:
        """Give the local date of its last instant, which is what documents print.

        Worked example: 1 January to 1 February (exclusive) prints as Jan 1 – Jan 31.
        """
        last = self.starts_at if self.is_empty else self.ends_at - _MICROSECOND
        return local_date(last, timezone)

    def local_days(self, timezone: str) -> int:
        """Count its local dates, the first inclusive and the last exclusive (CONTRACT 50)."""
        return (local_date(self.ends_at, timezone) - local_date(self.starts_at, timezone)).days


def boundary(anchor: Anchor, cadence: Cadence, n: int) -> datetime:
    """Give the instant at which period ``n`` starts and period ``n - 1`` ends.

    It depends on the anchor, its zone, the cadence and ``n``, and on nothing else. The local time
    of the anchor is kept; a day that the month lacks becomes its last; a local time that the clocks
    skip moves forward by the gap, one that comes twice is the earlier. With calendar alignment all
    but the first boundary are local midnights at the start of the unit. Raises: InvalidInput
    ``date_out_of_range`` beyond year 9999. Source: CONTRACT 16 and 17. Worked example: monthly from
    31 January ends on 28 February, 31 March, 30 April.
    """
    if n < 0:
        raise InvalidInput("A period's number starts at 0.", field="n")
    if n == 0:
        return anchor.starts_at
    return to_instant(_shift(_counted_from(anchor, cadence.interval), cadence, n), anchor.timezone)


def period(anchor: Anchor, cadence: Cadence, n: int) -> Period:
    """Give period ``n``: [boundary n, boundary n + 1)."""
    return Period(starts_at=boundary(anchor, cadence, n), ends_at=boundary(anchor, cadence, n + 1))


def regular_period(anchor: Anchor, cadence: Cadence, n: int) -> Period:
    """Give period ``n`` as long as it would be had it not started late.

    Differs from :func:`period` only for the first period of a calendar anchor. Worked example: a
    subscription of 15 January on a calendar month has the regular period 1 January to 1 February.
    """
    if n > 0:
        return period(anchor, cadence, n)
    starts_at = to_instant(_counted_from(anchor, cadence.interval), anchor.timezone)
    return Period(starts_at=min(starts_at, anchor.starts_at), ends_at=boundary(anchor, cadence, 1))


def index_containing(anchor: Anchor, cadence: Cadence, instant: datetime) -> int:
    """Give the number of the one period in which ``instant`` lies.

    Raises: InvalidInput if it lies before the anchor.
    """
    instant = as_utc(instant)
    if instant < anchor.starts_at:
        raise InvalidInput("The instant lies before the first period.", field="instant")
    n = _estimate_index(anchor, cadence, instant)
    while n > 0 and instant < boundary(anchor, cadence, n):
        n -= 1
    while boundary(anchor, cadence, n + 1) <= instant:
        n += 1
    return n


def boundary_after(anchor: Anchor, cadence: Cadence, n: int, length: Cadence) -> datetime:
    """Give the instant that lies ``length`` after the start of period ``n``.

    Where both count months, or both days, it is counted from the anchor as the boundaries are, so
    that what lives for one period ends where the next one starts. Worked example: one month after
    the period that starts on 28 February because the anchor is 31 January is 31 March.
    """
    for sizes, unit in ((_MONTHS, Interval.MONTH), (_DAYS, Interval.DAY)):
        if cadence.interval in sizes and length.interval in sizes:
            before = sizes[cadence.interval] * cadence.count * n
            more = sizes[length.interval] * length.count
            return boundary(anchor, Cadence(interval=unit), before + more)
    started = Anchor(starts_at=boundary(anchor, cadence, n), timezone=anchor.timezone)
    return boundary(started, length, 1)


def local_date(instant: datetime, timezone: str) -> date:
    """Give the calendar date that people in that zone have at ``instant``."""
    return instant.astimezone(find_zone(timezone)).date()


def start_of_day(day: date, timezone: str) -> datetime:
    """Give the first instant of a local date."""
    return to_instant(datetime.combine(day, time()), timezone)


def to_instant(local: datetime, timezone: str) -> datetime:
    """The instant that a local time, written without a zone, means there.

    A time that the clocks skip moves forward by the gap; one that comes twice is the earlier.
    Raises InvalidInput ``unknown_timezone`` or for what lies beyond the calendar. Source: CONTRACT
    16.
    """
    # With fold=0 zoneinfo reads a skipped time by the offset before the gap, which moves it forward
    # by the gap, and a repeated time as the earlier one.
    try:
        return local.replace(tzinfo=find_zone(timezone), fold=0).astimezone(UTC)
    except OverflowError as error:
        raise _out_of_range() from error


def _counted_from(anchor: Anchor, interval: Interval) -> datetime:
    local = anchor.starts_at.astimezone(find_zone(anchor.timezone)).replace(tzinfo=None, fold=0)
    if anchor.alignment is Alignment.START:
        return local
    return datetime.combine(_first_of_unit(local.date(), interval), time())


def _first_of_unit(day: date, interval: Interval) -> date:
    match interval:
        case Interval.DAY:
            return day
        case Interval.WEEK:
            return day - timedelta(days=day.weekday())
        case Interval.MONTH:
            return day.replace(day=1)
        case Interval.QUARTER:
            return day.replace(month=day.month - (day.month - 1) % 3, day=1)
        case Interval.YEAR:
            return day.replace(month=1, day=1)


def _shift(local: datetime, cadence: Cadence, n: int) -> datetime:
    try:
        if cadence.interval in _DAYS:
            return local + timedelta(days=_DAYS[cadence.interval] * cadence.count * n)
        months = local.month - 1 + _MONTHS[cadence.interval] * cadence.count * n
        year, month = local.year + months // 12, months % 12 + 1
        day = min(local.day, monthrange(year, month)[1])
        return local.replace(year=year, month=month, day=day)
    except (OverflowError, ValueError) as error:
        raise _out_of_range() from error


def _estimate_index(anchor: Anchor, cadence: Cadence, instant: datetime) -> int:
    start = anchor.starts_at
    if cadence.interval in _DAYS:
        return (instant - start).days // (_DAYS[cadence.interval] * cadence.count)
    months = (instant.year - start.year) * 12 + instant.month - start.month
    return max(0, months // (_MONTHS[cadence.interval] * cadence.count))


def _out_of_range() -> InvalidInput:
    return InvalidInput("The date lies beyond year 9999.", code="date_out_of_range", field="n")
