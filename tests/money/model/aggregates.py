"""Events made into one number: the definition of each aggregation, word for word.

*Source: CONTRACT 13, 92.*
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from tests.money.model.journal import Meter
from tests.money.model.years import Span

NOTHING = Fraction(0)


@dataclass(slots=True, kw_only=True)
class Event:
    """An event as it counts now; ``order`` is that of its arrival."""

    order: int
    at: datetime
    meter: str
    value: Fraction
    distinct: str | None = None
    is_void: bool = False


def counted(events: Sequence[Event], span: Span) -> list[Event]:
    """The events of a span, in order of time and then of arrival."""
    inside = [event for event in events if span.holds(event.at)]
    return sorted(inside, key=lambda event: (event.at, event.order))


def aggregate(meter: Meter, events: Sequence[Event], span: Span) -> Fraction:
    """What a meter makes of the events of a span that is not empty."""
    inside = counted(events, span)
    values = [event.value for event in inside]
    match meter.aggregation:
        case "SUM":
            return sum(values, NOTHING)
        case "COUNT":
            return Fraction(len(values))
        case "MAX":
            return max(values) if values else _level_before(meter, events, span)
        case "MIN":
            return min(values) if values else NOTHING
        case "AVG":
            return sum(values, NOTHING) / len(values) if values else NOTHING
        case "LAST":
            return values[-1] if values else _level_before(meter, events, span)
        case "UNIQUE_COUNT":
            return Fraction(len({event.distinct for event in inside}))
        case "WEIGHTED_SUM":
            return _mean_level(meter, events, span)
    raise AssertionError(meter.aggregation)


def _before(meter: Meter, events: Sequence[Event], instant: datetime) -> list[Event]:
    if not meter.carries:
        return []
    earlier = [event for event in events if event.at < instant]
    return sorted(earlier, key=lambda event: (event.at, event.order))


def _level_before(meter: Meter, events: Sequence[Event], span: Span) -> Fraction:
    earlier = _before(meter, events, span.starts_at)
    return earlier[-1].value if earlier else NOTHING


def _mean_level(meter: Meter, events: Sequence[Event], span: Span) -> Fraction:
    """Walk from change to change and add up level × time."""
    earlier = _before(meter, events, span.starts_at)
    level = sum((event.value for event in earlier), NOTHING)
    area, since = NOTHING, span.starts_at
    for event in counted(events, span):
        area += level * _microseconds(since, event.at)
        level, since = level + event.value, event.at
    area += level * _microseconds(since, span.ends_at)
    return area / _microseconds(span.starts_at, span.ends_at)


def _microseconds(since: datetime, until: datetime) -> int:
    return (until - since) // timedelta(microseconds=1)
