"""Hours: the UTC hours wholly inside a span, and the ragged edges around them.

Usage of whole hours is read from roll-ups, that of edges from events. In SQL an event's hour is
``date_trunc('hour', timestamp, 'UTC')`` in ``repositories.usage.rollups`` and the same by
``date_bin`` in ``repositories.ingestion.writer``; ``tests/services/usage/test_aggregates.py``
compares them with :func:`floor_hour`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

HOUR: Final = timedelta(hours=1)

Span: TypeAlias = tuple[datetime, datetime]
"""From an instant up to another, half-open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HourSplit:
    """A span in its parts, which touch and don't overlap: whole hours if there are any, and edges.

    An edge is shorter than two hours, and shorter than one beside whole hours; none is empty.
    """

    whole: Span | None
    edges: tuple[Span, ...]


def floor_hour(instant: datetime) -> datetime:
    """The start of the UTC hour in which an instant lies."""
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def split_hours(starts_at: datetime, ends_at: datetime) -> HourSplit:
    """Give the whole hours inside a span and what of it lies outside of them.

    Worked example: 9:30 to 12:15 are the hours from 10 to 12, and the edges 9:30 to 10:00 and 12:00
    to 12:15; 9:30 to 10:15 is one edge.
    """
    first, end = floor_hour(starts_at), floor_hour(ends_at)
    if first < starts_at:
        first += HOUR
    if first >= end:
        edges: tuple[Span, ...] = ((starts_at, ends_at),)
        return HourSplit(whole=None, edges=tuple(one for one in edges if one[0] < one[1]))
    edges = ((starts_at, first), (end, ends_at))
    return HourSplit(whole=(first, end), edges=tuple(one for one in edges if one[0] < one[1]))
