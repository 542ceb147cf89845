"""Filters: which events of a meter are counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, TypeAlias

from billing.errors import InvalidInput
from billing.money import read_number

MAX_FILTERS: Final = 5

FilterScalar: TypeAlias = str | bool | Decimal
FilterValue: TypeAlias = FilterScalar | tuple[FilterScalar, ...] | None


class Operator(StrEnum):
    """How a filter compares a property with its value (CONTRACT 12)."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    NOT_IN = "not_in"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    CONTAINS = "contains"
    EXISTS = "exists"


_WORDS: Final = {"true": True, "false": False}
_LISTS: Final = (Operator.IN, Operator.NOT_IN)
_ORDERS: Final = (Operator.GT, Operator.GTE, Operator.LT, Operator.LTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One condition on a property of an event's free-form object.

    ``property`` is a name, or a path into nested objects (:func:`find_property`). Texts and numbers
    are kept apart: ``"1.10"`` is a version, 1.10 a number. In the document of a plan version, where
    nothing is compared any more, both are text.
    """

    property: str
    operator: Operator
    value: FilterValue = None

    def __post_init__(self) -> None:
        if not self.property.strip():
            raise _invalid("A filter needs a property.", "property")
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        if any(item is not None and type(item) not in (str, bool, Decimal) for item in values):
            raise _invalid("A filter compares with strings, numbers or booleans.", "value")
        if not _is_fitting(self.operator, self.value):
            raise _invalid(f"The value does not fit the operator {self.operator.value}.", "value")

    def matches(self, properties: Mapping[str, object]) -> bool:
        """Whether an event with these properties passes.

        A property that is absent or null passes only ``ne``, ``not_in`` and ``exists`` false.
        Source: CONTRACT 12, 90.
        """
        actual = find_property(properties, self.property)
        if self.operator is Operator.EXISTS:
            return (actual is not None) is (self.value is not False)
        if actual is None:
            return self.operator in (Operator.NE, Operator.NOT_IN)
        return _compare(self.operator, actual, self.value)


def find_property(properties: Mapping[str, object], name: str) -> object | None:
    """Give a property by its whole name, or else by its path; None if it is absent or null.

    Source: CONTRACT 90. Worked example: ``records.amount`` is 1 in ``{"records.amount": 1,
    "records": {"amount": 2}}``, and 2 without the first.
    """
    if name in properties or "." not in name:
        return properties.get(name)
    found: object = properties
    for step in name.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(step)
    return found


def matches_all(filters: Iterable[Filter], properties: Mapping[str, object]) -> bool:
    """Whether an event is counted: it passes every filter."""
    return all(one.matches(properties) for one in filters)


def parse_filters(document: object, *, field: str = "filters") -> tuple[Filter, ...]:
    """Read at most five filters from their JSON shape.

    Raises: InvalidInput ``invalid_filter`` with the location. Source: CONTRACT 12.
    """
    if document is None:
        return ()
    if not isinstance(document, (list, tuple)):
        raise _invalid(f"{field} must be a list.", field)
    if len(document) > MAX_FILTERS:
        raise _invalid(f"At most {MAX_FILTERS} filters.", field)
    return tuple(_read_filter(row, f"{field}.{place}") for place, row in enumerate(document))


def filter_document(one: Filter) -> dict[str, object]:
    """Give the JSON shape of a filter."""
    value = list(one.value) if isinstance(one.value, tuple) else one.value
    return {"property": one.property, "operator": one.operator.value, "value": value}


def _read_filter(row: object, field: str) -> Filter:
    if not isinstance(row, Mapping):
        raise _invalid("A filter has property, operator and value.", field)
    for name in row:
        if name not in ("property", "operator", "value"):
            raise _invalid("A filter has property, operator and value.", f"{field}.{name}")
    name, operator = row.get("property"), row.get("operator", "eq")
    if not isinstance(name, str):
        raise _invalid("A filter needs a property.", f"{field}.property")
    if not isinstance(operator, str) or operator.lower() not in set(Operator):
        raise _invalid(
            f"{operator!r} is not an operator; there are {', '.join(Operator)}.",
            f"{field}.operator",
        )
    try:
        return Filter(
            property=name,
            operator=Operator(operator.lower()),
            value=_read_value(row.get("value"), f"{field}.value"),
        )
    except InvalidInput as error:
        raise _invalid(error.detail, f"{field}.{(error.field or '').split('.')[-1]}") from error


def _read_value(value: object, field: str) -> FilterValue:
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        return tuple(_read_scalar(item, field) for item in value)
    return _read_scalar(value, field)


def _read_scalar(value: object, field: str) -> FilterScalar:
    if isinstance(value, (str, bool)):
        return value
    return read_number(value, field=field)


def _is_fitting(operator: Operator, value: FilterValue) -> bool:
    if operator in _LISTS:
        return isinstance(value, tuple) and len(value) > 0
    if operator is Operator.EXISTS:
        return value is None or isinstance(value, bool)
    if operator in _ORDERS:
        return _number(value) is not None
    return value is not None and not isinstance(value, tuple)


def _compare(operator: Operator, actual: object, value: FilterValue) -> bool:
    match operator:
        case Operator.EQ:
            return _equal(actual, value)
        case Operator.NE:
            return not _equal(actual, value)
        case Operator.IN | Operator.NOT_IN:
            options = value if isinstance(value, tuple) else ()
            found = any(_equal(actual, option) for option in options)
            return found is (operator is Operator.IN)
        case Operator.CONTAINS:
            return _contains(actual, value)
        case _:
            return _is_ordered(operator, _number(actual), _number(value))


def _equal(actual: object, wanted: object) -> bool:
    """Whether two values are the same, whichever of them the event has. Source: CONTRACT 90.

    Worked examples: the number 1.1 equals ``"1.10"``, the text ``"1.1"`` does not; true equals
    ``"true"``, and neither ``"True"`` nor 1.
    """
    if isinstance(actual, str) and isinstance(wanted, str):
        return actual == wanted
    if isinstance(actual, bool) or isinstance(wanted, bool):
        truth = _truth(actual)
        return truth is not None and truth is _truth(wanted)
    number = _number(actual)
    return number is not None and number == _number(wanted)


def _truth(value: object) -> bool | None:
    if isinstance(value, str):
        return _WORDS.get(value)
    return value if isinstance(value, bool) else None


def _contains(actual: object, wanted: object) -> bool:
    if isinstance(actual, str):
        return isinstance(wanted, str) and wanted in actual
    if isinstance(actual, (list, tuple)):
        return any(_equal(item, wanted) for item in actual)
    return False


def _is_ordered(operator: Operator, left: Decimal | None, right: Decimal | None) -> bool:
    if left is None or right is None:
        return False
    match operator:
        case Operator.GT:
            return left > right
        case Operator.GTE:
            return left >= right
        case Operator.LT:
            return left < right
        case _:
            return left <= right


def _number(value: object) -> Decimal | None:
    try:
        return read_number(value, field="value")
    except InvalidInput:
        return None


def _invalid(reason: str, field: str) -> InvalidInput:
    return InvalidInput(reason, code="invalid_filter", field=field)
