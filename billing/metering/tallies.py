"""Tallies: what the events of a span come to, and the one number that each aggregation makes of it.

This is the definition of every aggregation. Whoever counts in SQL (``repositories.usage.spans``,
``usage_queries``, ``usage_limits``, ``entitlement_marks``, ``usage_rebuild`` and the roll-ups of
``usage_events``) fills a :class:`Tally` and asks :func:`conclude`;
``tests/services/usage/test_aggregates.py`` compares them with :func:`tally_up` on random events.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, assert_never

from billing.money import ZERO, exactly, require_decimals
from billing.periods import Period, as_utc
from billing.ratios import Exact, quotient


class Aggregation(StrEnum):
    """How the events of a period become one number (CONTRACT 13)."""

    SUM = "SUM"
    COUNT = "COUNT"
    MAX = "MAX"
    MIN = "MIN"
    AVG = "AVG"
    LAST = "LAST"
    UNIQUE_COUNT = "UNIQUE_COUNT"
    WEIGHTED_SUM = "WEIGHTED_SUM"

    @property
    def is_additive(self) -> bool:
        """Whether the aggregate of a period is the sum of the aggregates of its parts."""
        return self in (Aggregation.SUM, Aggregation.COUNT)

    @property
    def carries(self) -> bool:
        """Whether a period without events may stay at the level of the one before it."""
        return self in (Aggregation.MAX, Aggregation.LAST, Aggregation.WEIGHTED_SUM)

    @property
    def carries_newest(self) -> bool:
        """Whether the level that is carried is the newest value, and not the sum of all."""
        return self in (Aggregation.MAX, Aggregation.LAST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One counted event: when, in which order it arrived, its value, and what it is unique by."""

    at: datetime
    sequence: int
    value: Decimal
    distinct_key: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", as_utc(self.at, field="timestamp"))
        require_decimals(quantity=self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What the counted events of a span come to; None where only an event could say.

    Units: ``weighted_total`` is the sum of value × microseconds from the event to the span's end.
    ``newest`` is the value of the latest event, of equally late ones that which arrived last.
    Whoever needs only some aggregations leaves the other fields alone.
    """

    event_count: int = 0
    total: Decimal = ZERO
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    newest: Decimal | None = None
    weighted_total: Decimal = ZERO
    distinct_count: int = 0


NOTHING: Final = Tally()


@exactly
def tally_up(measurements: Iterable[Measurement], period: Period) -> Tally:
    """Give what the events inside a period come to."""
    inside = [one for one in measurements if one.at in period]
    values = [one.value for one in inside]
    newest = max(inside, key=lambda one: (one.at, one.sequence), default=None)
    return Tally(
        event_count=len(inside),
        total=sum(values, ZERO),
        minimum=min(values, default=None),
        maximum=max(values, default=None),
        newest=newest.value if newest else None,
        weighted_total=sum((one.value * _microseconds_left(one, period) for one in inside), ZERO),
        distinct_count=len({one.distinct_key for one in inside}),
    )


@exactly
def conclude(
    aggregation: Aggregation, tally: Tally, period: Period, *, carried: Decimal = ZERO
) -> Exact:
    """Give the usage of a period, made of its tally; no events are 0, or the level carried.

    ``carried`` is what :func:`level_after` gives for the time before the period. Means are exact
    fractions. Source: CONTRACT 13, 92. Worked example: the AVG of 1, 0, 0 is one third.
    """
    match aggregation:
        case Aggregation.SUM | Aggregation.COUNT:
            return conclude_additive(aggregation, tally)
        case Aggregation.UNIQUE_COUNT:
            return Decimal(tally.distinct_count)
        case Aggregation.MIN:
            return ZERO if tally.minimum is None else tally.minimum
        case Aggregation.MAX:
            return carried if tally.maximum is None else tally.maximum
        case Aggregation.LAST:
            return carried if tally.newest is None else tally.newest
        case Aggregation.AVG:
            return quotient(tally.total, tally.event_count) if tally.event_count else ZERO
        case Aggregation.WEIGHTED_SUM:
            elapsed = period.elapsed_microseconds
            weighted = tally.weighted_total + carried * elapsed
            return quotient(weighted, elapsed) if elapsed else ZERO
        case _:
            assert_never(aggregation)


def conclude_additive(aggregation: Aggregation, tally: Tally) -> Decimal:
    """Give the usage of any span for SUM and COUNT, which depends on nothing but its tally."""
    return Decimal(tally.event_count) if aggregation is Aggregation.COUNT else tally.total


@exactly
def level_after(aggregation: Aggregation, tally: Tally, *, carried: Decimal = ZERO) -> Decimal:
    """Give the level in force after a span with this tally, given the one before it.

    Only for meters that carry it on. For LAST and MAX it is the newest value, for WEIGHTED_SUM the
    sum of all values so far. Source: CONTRACT 13.
    """
    if aggregation.carries_newest:
        return carried if tally.newest is None else tally.newest
    return carried + tally.total


def _microseconds_left(one: Measurement, period: Period) -> int:
    return Period(starts_at=one.at, ends_at=period.ends_at).elapsed_microseconds
