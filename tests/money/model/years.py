"""A naive calendar in UTC: when periods and reset windows begin."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import count

DAYS = {"day": 1, "week": 7}
MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """Where counting starts; ``by_calendar`` moves all but the first boundary to the 1st."""

    at: datetime
    by_calendar: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """[starts_at, ends_at)."""

    starts_at: datetime
    ends_at: datetime

    def holds(self, instant: datetime) -> bool:
        """Whether an instant lies in it."""
        return self.starts_at <= instant < self.ends_at


def boundary(anchor: Anchor, interval: str, n: int) -> datetime:
    """The n-th instant at which something begins, counted from the anchor."""
    if n == 0:
        return anchor.at
    return _later(_counted_from(anchor, interval), interval, n)


@lru_cache(maxsize=100_000)
def span_around(anchor: Anchor, interval: str, instant: datetime) -> Span:
    """The regular span that holds an instant at or after the anchor."""
    for n in count():  # pragma: no branch  it always ends
        if instant < boundary(anchor, interval, n + 1):
            starts_at = _counted_from(anchor, interval) if n == 0 else boundary(anchor, interval, n)
            return Span(starts_at=starts_at, ends_at=boundary(anchor, interval, n + 1))
    raise AssertionError


def _counted_from(anchor: Anchor, interval: str) -> datetime:
    if not anchor.by_calendar:
        return anchor.at
    midnight = anchor.at.replace(hour=0, minute=0, second=0, microsecond=0)
    match interval:
        case "week":
            return midnight - timedelta(days=midnight.weekday())
        case "month":
            return midnight.replace(day=1)
        case "quarter":
            return midnight.replace(day=1, month=midnight.month - (midnight.month - 1) % 3)
        case "year":
            return midnight.replace(day=1, month=1)
    return midnight


def _later(start: datetime, interval: str, n: int) -> datetime:
    if interval in DAYS:
        return start + timedelta(days=DAYS[interval] * n)
    months = start.month - 1 + MONTHS[interval] * n
    year, month = start.year + months // 12, months % 12 + 1
    return start.replace(year=year, month=month, day=min(start.day, monthrange(year, month)[1]))
