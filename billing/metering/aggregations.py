"""Metering: what an event contributes to a meter, and what a period's events come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from billing.errors import InvalidInput
from billing.identifiers import MeterId
from billing.metering.filters import Filter, find_property
from billing.metering.tallies import Aggregation, Measurement, Values, conclude, tally_up
from billing.money import ONE, ZERO, parse_decimal, plain_text
from billing.periods import Period
from billing.ratios import Exact

__all__ = [
    "Aggregation",
    "EventValue",
    "Measurement",
    "MeterStatus",
    "MeterTerms",
    "aggregate",
    "read_distinct_key",
    "read_event_value",
    "read_quantity",
]


class MeterStatus(StrEnum):
    """Whether a meter takes events. One that was retired is kept for what it measured."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterTerms:
    """How one meter measures: a copy of the meter as a plan version saw it."""

    meter_id: MeterId
    name: str
    aggregation: Aggregation
    unit: str | None = None
    unit_code: str | None = None
    property_name: str | None = None
    filters: tuple[Filter, ...] = ()
    carry_forward: bool = False

    def __post_init__(self) -> None:
        if self.carry_forward and self.aggregation.definition.level is None:
            raise InvalidInput(
                f"carry_forward has no meaning for {self.aggregation.value}.", field="carry_forward"
            )


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

    A quantity wins; without one the value is ``properties[property_name]``; aggregations that need
    none take 1. The property may be a path. Raises: InvalidInput as :func:`read_quantity`,
    ``missing_value``, ``missing_distinct_value``. Source: CONTRACT 4.11, 13, 44, 90.
    """
    distinct_key = None
    if aggregation.definition.uses_distinct_values:
        distinct_key = read_distinct_key(property_name, properties)
    field, raw = "quantity", quantity
    if raw is None and not aggregation.definition.needs_quantity:
        return EventValue(value=ONE, distinct_key=distinct_key)
    if raw is None and property_name is not None:
        field, raw = f"properties.{property_name}", find_property(properties, property_name)
    if raw is None:
        raise InvalidInput("The event has no value.", code="missing_value", field=field)
    return EventValue(value=read_quantity(aggregation, raw, field), distinct_key=distinct_key)


def read_quantity(aggregation: Aggregation, raw: object, field: str = "quantity") -> Decimal:
    """Give a quantity that the aggregation takes. Strings of digits count as numbers.

    Raises: InvalidInput ``invalid_number`` and its kin, ``quantity_out_of_range``.
    """
    value = parse_decimal(raw, field=field)
    values = aggregation.definition.values
    if values is Values.ANY:
        return value
    if value < ZERO or (value == ZERO and values is Values.ABOVE_ZERO):
        raise InvalidInput(
            f"{field} must be {values.value} on a {aggregation.value} meter.",
            code="quantity_out_of_range",
            field=field,
        )
    return value


def read_distinct_key(property_name: str | None, properties: Mapping[str, object]) -> str:
    """Give what an event is unique by: its ``property_name`` value, else its ``user_id``.

    The string ``"7"`` and the number 7 are the same. Raises: InvalidInput
    ``missing_distinct_value``. Source: CONTRACT 13.
    """
    for name in (property_name, "user_id"):
        value = find_property(properties, name or "user_id")
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


def aggregate(
    aggregation: Aggregation,
    measurements: Iterable[Measurement],
    period: Period,
    *,
    carried: Decimal | None = None,
) -> Exact:
    """Give the usage of a period: the events inside it made into one number; no events are 0.

    ``carried`` is the level in force when the period starts and is given only for meters with
    ``carry_forward``. Source: CONTRACT 13. Worked example: MAX of 15, 42, 7, 38, 55, 12 is 55.
    """
    return conclude(aggregation, tally_up(measurements, period), period, carried=carried or ZERO)
