"""Metering: what an event contributes to a meter, and what each aggregation makes of many.

:func:`aggregate` is the definition. The SQL that aggregates in the database is tested against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, assert_never

from billing.errors import InvalidInput
from billing.filters import Filter
from billing.identifiers import MeterId
from billing.money import (
    DECIMAL_PLACES,
    ONE,
    ZERO,
    exactly,
    parse_decimal,
    plain_text,
    require_decimals,
    round_half_away,
)
from billing.periods import Period, as_utc


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


_CARRYING: Final = (Aggregation.MAX, Aggregation.LAST, Aggregation.WEIGHTED_SUM)
_POSITIVE_ONLY: Final = (Aggregation.SUM, Aggregation.COUNT, Aggregation.UNIQUE_COUNT)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterTerms:
    """How one meter measures: a copy of the meter as a plan version saw it."""

    meter_id: MeterId
    name: str
    aggregation: Aggregation
    unit: str | None = None
    property_name: str | None = None
    filters: tuple[Filter, ...] = ()
    carry_forward: bool = False

    def __post_init__(self) -> None:
        if self.carry_forward and self.aggregation not in _CARRYING:
            raise InvalidInput(
                f"carry_forward has no meaning for {self.aggregation.value}.", field="carry_forward"
            )


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
class EventValue:
    """What an event brings to its meter."""

    value: Decimal
    distinct_key: str | None = None


def read_event_value(
    aggregation: Aggregation,
    property_name: str | None,
    *,
    quantity: object | None,
    properties: Mapping[str, object],
) -> EventValue:
    """Give the value of an event for a meter, from its quantity or from its free-form object.

    A quantity wins; without one the value is ``properties[property_name]``; COUNT and UNIQUE_COUNT
    need none and take 1. Strings of digits count as numbers. Raises: InvalidInput
    ``invalid_number`` and its kin, ``missing_value``, ``missing_distinct_value``.
    Source: CONTRACT 4.11, 13, 44.
    """
    distinct_key = None
    if aggregation is Aggregation.UNIQUE_COUNT:
        distinct_key = read_distinct_key(property_name, properties)
    field, raw = "quantity", quantity
    if raw is None and aggregation in (Aggregation.COUNT, Aggregation.UNIQUE_COUNT):
        return EventValue(value=ONE, distinct_key=distinct_key)
    if raw is None and property_name is not None:
        field, raw = f"properties.{property_name}", properties.get(property_name)
    if raw is None:
        raise InvalidInput("The event has no value.", code="missing_value", field=field)
    value = parse_decimal(raw, field=field)
    _check_sign(aggregation, value, field)
    return EventValue(value=value, distinct_key=distinct_key)


def _check_sign(aggregation: Aggregation, value: Decimal, field: str) -> None:
    if aggregation is Aggregation.WEIGHTED_SUM:
        return
    if value < ZERO or (value == ZERO and aggregation in _POSITIVE_ONLY):
        floor = "above 0" if aggregation in _POSITIVE_ONLY else "0 or more"
        raise InvalidInput(
            f"{field} must be {floor} on a {aggregation.value} meter.",
            code="quantity_out_of_range",
            field=field,
        )


def read_distinct_key(property_name: str | None, properties: Mapping[str, object]) -> str:
    """Give what an event is unique by: its ``property_name`` value, else its ``user_id``.

    The string ``"7"`` and the number 7 are the same. Raises: InvalidInput
    ``missing_distinct_value``. Source: CONTRACT 13.
    """
    for name in (property_name, "user_id"):
        value = properties.get(name or "user_id")
        match value:
            case bool():
                return str(value).lower()
            case str() if value.strip():
                return value
            case int() | Decimal():
                return plain_text(Decimal(value))
    wanted = property_name or "user_id"
    raise InvalidInput(
        f"A UNIQUE_COUNT meter needs {wanted!r} or 'user_id' in the event.",
        code="missing_distinct_value",
        field=f"properties.{wanted}",
    )


@exactly
def aggregate(
    aggregation: Aggregation,
    measurements: Iterable[Measurement],
    period: Period,
    *,
    carried: Decimal | None = None,
) -> Decimal:
    """Give the usage of a period: the events inside it made into one number; no events are 0.

    ``carried`` is the level in force when the period starts and is given only for meters with
    ``carry_forward``: the newest value before it for LAST and MAX (it stands in for a period
    without events), the sum of all values before it for WEIGHTED_SUM. AVG and WEIGHTED_SUM are
    rounded to 20 places. Source: CONTRACT 13. Worked example: MAX of 15, 42, 7, 38, 55, 12 is 55.
    """
    inside = [one for one in measurements if one.at in period]
    values = [one.value for one in inside]
    match aggregation:
        case Aggregation.SUM:
            return sum(values, ZERO)
        case Aggregation.COUNT:
            return Decimal(len(values))
        case Aggregation.MAX:
            return max(values, default=carried or ZERO)
        case Aggregation.MIN:
            return min(values, default=ZERO)
        case Aggregation.AVG:
            return mean(sum(values, ZERO), len(values))
        case Aggregation.LAST:
            newest = max(inside, key=lambda one: (one.at, one.sequence), default=None)
            return newest.value if newest else carried or ZERO
        case Aggregation.UNIQUE_COUNT:
            return Decimal(len({one.distinct_key for one in inside}))
        case Aggregation.WEIGHTED_SUM:
            return _time_weighted_mean(inside, period, carried or ZERO)
        case _:
            assert_never(aggregation)


def mean(total: Decimal, count: int) -> Decimal:
    """Give ``total / count`` to 20 places, half away from zero; 0 for a count of 0."""
    return round_half_away(total, DECIMAL_PLACES, divisor=Decimal(count)) if count else ZERO


def mean_level(weighted_total: Decimal, period: Period) -> Decimal:
    """Give a level's mean over a period, to 20 places, from its time-weighted sum.

    Units: ``weighted_total`` is the sum of value × microseconds until the period's end.
    """
    if period.is_empty:
        return ZERO
    return round_half_away(
        weighted_total, DECIMAL_PLACES, divisor=Decimal(period.elapsed_microseconds)
    )


def _time_weighted_mean(inside: Iterable[Measurement], period: Period, carried: Decimal) -> Decimal:
    weighted = carried * period.elapsed_microseconds
    for one in inside:
        remaining = Period(starts_at=one.at, ends_at=period.ends_at)
        weighted += one.value * remaining.elapsed_microseconds
    return mean_level(weighted, period)
