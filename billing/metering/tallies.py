"""Tallies: what the events of a span come to, and the one number that each aggregation makes of it.

This is the definition of every aggregation: its name in :class:`Aggregation`, the rest in the table
at the end. Whoever counts in SQL (``repositories.usage.figures`` says how) fills a :class:`Tally`
and asks :func:`conclude`; ``tests/services/usage/test_aggregates.py`` compares both with
:func:`tally_up` on random events. ``docs/development/adding-an-aggregation.md`` adds one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from billing.money import ZERO, exactly, require_decimals
from billing.periods import Period, as_utc
from billing.ratios import Exact, as_decimal, quotient


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
    def definition(self) -> Definition:
        """What it takes and what it makes of it."""
        return _DEFINITIONS[self]


class Values(StrEnum):
    """Which values an aggregation takes of its events."""

    ABOVE_ZERO = "above 0"
    FROM_ZERO = "0 or more"
    ANY = "any number"


class Level(StrEnum):
    """What a meter with ``carry_forward`` carries on: its newest value, or the sum of all."""

    NEWEST = "newest"
    TOTAL = "total"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One aggregation.

    ``of_events`` is what the events come to, None where none were and a level before would say.
    ``level`` is what is carried on, if anything is. ``is_additive``: the usage of a period is the
    sum of that of its parts, and made of count and total alone. ``is_over_time``: what the events
    come to is value × microseconds, and the usage is its mean. Without ``needs_quantity`` an event
    that has none counts as 1.
    """

    of_events: Callable[[Tally], Exact | None]
    values: Values = Values.FROM_ZERO
    needs_quantity: bool = True
    level: Level | None = None
    is_additive: bool = False
    is_over_time: bool = False
    uses_distinct_values: bool = False

    @property
    def counts_events(self) -> bool:
        """Whether the usage is how many events there are."""
        return self.is_additive and not self.needs_quantity


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
    definition = aggregation.definition
    found = definition.of_events(tally)
    level = ZERO if definition.level is None else carried
    if definition.is_over_time:
        elapsed = period.elapsed_microseconds
        return quotient((found or ZERO) + level * elapsed, elapsed) if elapsed else ZERO
    return level if found is None else found


def conclude_additive(aggregation: Aggregation, tally: Tally) -> Decimal:
    """Give the usage of any span for an additive aggregation, made of nothing but its tally."""
    found = aggregation.definition.of_events(tally)
    return ZERO if found is None else as_decimal(found)


@exactly
def level_after(aggregation: Aggregation, tally: Tally, *, carried: Decimal = ZERO) -> Decimal:
    """Give the level in force after a span with this tally, given the one before it.

    Only for meters that carry it on. Source: CONTRACT 13.
    """
    if aggregation.definition.level is Level.NEWEST:
        return carried if tally.newest is None else tally.newest
    return carried + tally.total


def _microseconds_left(one: Measurement, period: Period) -> int:
    return Period(starts_at=one.at, ends_at=period.ends_at).elapsed_microseconds


def _mean(tally: Tally) -> Exact | None:
    return quotient(tally.total, tally.event_count) if tally.event_count else None


_DEFINITIONS: Final[Mapping[Aggregation, Definition]] = {
    Aggregation.SUM: Definition(
        of_events=lambda tally: tally.total, values=Values.ABOVE_ZERO, is_additive=True
    ),
    Aggregation.COUNT: Definition(
        of_events=lambda tally: Decimal(tally.event_count),
        values=Values.ABOVE_ZERO,
        needs_quantity=False,
        is_additive=True,
    ),
    Aggregation.MAX: Definition(of_events=lambda tally: tally.maximum, level=Level.NEWEST),
    Aggregation.MIN: Definition(of_events=lambda tally: tally.minimum),
    Aggregation.AVG: Definition(of_events=_mean),
    Aggregation.LAST: Definition(of_events=lambda tally: tally.newest, level=Level.NEWEST),
    Aggregation.UNIQUE_COUNT: Definition(
        of_events=lambda tally: Decimal(tally.distinct_count),
        values=Values.ABOVE_ZERO,
        needs_quantity=False,
        uses_distinct_values=True,
    ),
    Aggregation.WEIGHTED_SUM: Definition(
        of_events=lambda tally: tally.weighted_total,
        values=Values.ANY,
        level=Level.TOTAL,
        is_over_time=True,
    ),
}
