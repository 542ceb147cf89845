"""Spans of time as people name them: by local dates or instants, cut into calendar units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from billing.errors import InvalidInput
from billing.metering.hours import HOUR
from billing.periods import (
    Alignment,
    Anchor,
    Cadence,
    Interval,
    Period,
    as_utc,
    boundary,
    find_zone,
    start_of_day,
)

DEFAULT_SPAN = timedelta(days=30)
MAXIMUM_GROUPS = 10_000

Bound = date | datetime
"""A local date of the organization, or an instant."""


class Grouping(StrEnum):
    """The local calendar unit that usage is shown by."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuery:
    """The span asked for: absent bounds are 30 days ago and now; a date as end includes its day."""

    starts: Bound | None = None
    ends: Bound | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPeriod:
    """The period asked for, with the end to show: a day's last second where a date was given."""

    period: Period
    shown_end: datetime


def resolve(query: UsageQuery, zone: str, *, now: datetime) -> AskedPeriod:
    """The span asked for. Raises InvalidInput ``empty_span``."""
    ends_at, shown_end = end_of(query.ends, zone) if query.ends else (now, now)
    # 30 days ago, unless that lies behind the end that was asked for.
    latest = now if now - DEFAULT_SPAN < ends_at else ends_at
    starts_at = first_instant(query.starts, zone) if query.starts else latest - DEFAULT_SPAN
    require_order(starts_at, ends_at)
    return AskedPeriod(period=Period(starts_at=starts_at, ends_at=ends_at), shown_end=shown_end)


def end_of(bound: Bound, zone: str) -> tuple[datetime, datetime]:
    """The end, exclusive, and as it is shown. Raises InvalidInput ``date_out_of_range``."""
    if isinstance(bound, datetime):
        ends_at = as_utc(bound, field="end_date")
        return ends_at, ends_at
    ends_at = start_of_day(_next_day(bound), zone)
    return ends_at, ends_at - timedelta(seconds=1)


def require_order(starts_at: datetime, ends_at: datetime) -> None:
    """Return if the start lies before the end. Raises InvalidInput ``empty_span``."""
    if starts_at >= ends_at:
        raise InvalidInput(
            "start_date must lie before end_date.", code="empty_span", field="start_date"
        )


def first_instant(bound: Bound, zone: str) -> datetime:
    """The instant at which a span that starts so begins."""
    if isinstance(bound, datetime):
        return as_utc(bound, field="start_date")
    return start_of_day(bound, zone)


def _next_day(day: date) -> date:
    if day >= date(9999, 12, 30):
        raise InvalidInput("end_date is out of range.", code="date_out_of_range", field="end_date")
    return day + timedelta(days=1)


def split(span: Period, grouping: Grouping, zone: str) -> Iterator[tuple[str, Period]]:
    """The calendar units that a span touches, each cut to the span, with its label.

    Raises InvalidInput ``too_many_groups``.
    """
    starts_at = span.starts_at
    for count, limit in enumerate(_boundaries(span.starts_at, grouping, zone)):
        if count == MAXIMUM_GROUPS:
            raise InvalidInput(
                f"More than {MAXIMUM_GROUPS} groups: ask for a shorter span or larger groups.",
                code="too_many_groups",
                field="group_by",
            )
        ends_at = min(limit, span.ends_at)
        if starts_at < ends_at:
            yield _label(starts_at, grouping, zone), Period(starts_at=starts_at, ends_at=ends_at)
        if ends_at == span.ends_at:
            return
        starts_at = ends_at


def _boundaries(starts_at: datetime, grouping: Grouping, zone: str) -> Iterator[datetime]:
    if grouping is Grouping.HOUR:
        local_zone, instant = find_zone(zone), as_utc(starts_at)
        while True:
            instant = _next_hour(instant, local_zone)
            yield instant
    anchor = Anchor(starts_at=starts_at, timezone=zone, alignment=Alignment.CALENDAR)
    cadence = Cadence(interval=Interval(grouping.value))
    number = 0
    while True:
        number += 1
        yield boundary(anchor, cadence, number)


def _next_hour(instant: datetime, zone: ZoneInfo) -> datetime:
    local = instant.astimezone(zone)
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return instant + (HOUR - past)


def _label(starts_at: datetime, grouping: Grouping, zone: str) -> str:
    local = starts_at.astimezone(find_zone(zone))
    match grouping:
        case Grouping.HOUR:
            text = local.replace(minute=0, second=0, microsecond=0).isoformat()
            return text.replace("+00:00", "Z")
        case Grouping.WEEK:
            return (local.date() - timedelta(days=local.weekday())).isoformat()
        case Grouping.MONTH:
            return local.date().replace(day=1).isoformat()
        case Grouping.DAY:
            return local.date().isoformat()
