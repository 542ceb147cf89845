"""Types that every schema shares: exact numbers, instants, words of bounded length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError, PydanticKnownError

from api.schemas.described import NOTE, Described
from api.transport.refused.forms import MAIL_ADDRESS
from billing.errors import InvalidInput
from billing.money import parse_decimal, parse_price
from billing.periods import Interval
from billing.texts.names import is_reachable, trimmed, unreachable
from services.documents.text import NOT_FOR_A_LINE

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Kind = TypeVar("Kind", bound=StrEnum)
Day = TypeVar("Day", date, datetime)
Details = TypeVar("Details", bound="DataclassInstance")

FIRST_YEAR = 1900
LAST_YEAR = 9998


class Schema(Described):
    """A request body: fields that it does not know are refused (CONTRACT 6)."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_is_no_object(cls, value: Any) -> Any:
        # The framework takes any value for an object whose fields are all left out, 1.5 too.
        if not isinstance(value, (Mapping, cls)):
            raise PydanticKnownError("dict_type")
        return value

    def fill(self, kind: type[Details], **given: object) -> Details:
        """A value of ``kind`` by this body's fields of the same names, and by those ``given``."""
        own = {one.name for one in fields(kind)} - given.keys()
        return kind(**{name: getattr(self, name) for name in own}, **given)


class View(Described):
    """A response body."""


def read_number(value: Any) -> Decimal:
    """An exact number of a JSON document, or why it is none."""
    return _read(parse_decimal, value)


def _read_positive(value: Any) -> Decimal:
    return _require_not_negative(_read(parse_decimal, value))


def _read_signed_price(value: Any) -> Decimal:
    return _read(parse_price, value)


def _read_price(value: Any) -> Decimal:
    return _require_not_negative(_read(parse_price, value))


def _read(parse: Callable[..., Decimal], value: Any) -> Decimal:
    try:
        return parse(value, field="The number")
    except InvalidInput as error:
        raise PydanticCustomError(error.code, "{detail}", {"detail": error.detail}) from error


def _require_not_negative(number: Decimal) -> Decimal:
    if number < 0:
        raise PydanticCustomError("negative_number", "The number must not be negative.")
    return number


def _read_instant(value: Any) -> datetime:
    if not isinstance(value, str):
        raise PydanticCustomError("invalid_instant", "An instant is ISO 8601 text.")
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise PydanticCustomError("invalid_instant", "An instant is ISO 8601 text.") from error
    if instant.tzinfo is None:
        # The documented API has no zone-less instants; a date or a bare time is read as UTC.
        instant = instant.replace(tzinfo=UTC)
    try:
        return require_in_range(instant.astimezone(UTC))
    except OverflowError as error:
        raise PydanticCustomError("invalid_instant", "The instant is out of range.") from error


def require_in_range(day: Day) -> Day:
    """Return a date or an instant that arithmetic with zones and intervals can bear."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise PydanticCustomError(
            "date_out_of_range",
            "Send a date from {first} to {last}.",
            {"first": f"{FIRST_YEAR}-01-01", "last": f"{LAST_YEAR}-12-31"},
        )
    return day


def _refuse_non_boolean(value: Any) -> Any:
    if not isinstance(value, bool):
        raise PydanticKnownError("bool_type")
    return value


def _refuse_non_integer(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        raise PydanticKnownError("int_type")
    return value


def number_shapes(*, least: int | None = None) -> list[dict[str, Any]]:
    """How a number can be sent: as a JSON number, or as a string with all its digits."""
    sign = "[+-]?" if least is None else "[+]?"
    written = rf"^{sign}([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{{1,2}})?$"
    bounds = {} if least is None else {"minimum": least}
    return [{"type": "number", **bounds}, {"type": "string", "pattern": written}]


def _number(*, least: int | None = None, note: str) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": number_shapes(least=least), NOTE: note})


def _shown_number(note: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "number", NOTE: note})


Number = Annotated[
    Decimal,
    BeforeValidator(read_number),
    _number(note="An exact decimal: a JSON number, or a string of digits."),
]
"""Any exact number, read from a JSON number or a decimal string."""

NotNegative = Annotated[
    Decimal,
    BeforeValidator(_read_positive),
    _number(least=0, note="An exact decimal of at least 0: a JSON number, or a string of digits."),
]
"""An exact number of at least zero: a limit, a percentage."""

Price = Annotated[
    Decimal,
    BeforeValidator(_read_price),
    _number(
        least=0,
        note="An exact decimal of at least 0 in major units of the currency, with up to 30"
        " decimal places: a JSON number, or a string of digits.",
    ),
]
"""A price of at least zero, with up to 30 decimal places."""

SignedPrice = Annotated[
    Decimal,
    BeforeValidator(_read_signed_price),
    _number(
        note="An exact decimal in major units of the currency, with up to 30 decimal places: a"
        " JSON number, or a string of digits.",
    ),
]
"""An amount per unit on a line that people write, with up to 30 decimal places."""

Exact = Annotated[Decimal, _shown_number("An exact decimal.")]
"""An exact number on its way out, as a JSON number with all its digits."""

Money = Annotated[Decimal, _shown_number("An exact decimal in major units of the currency.")]
"""An amount on its way out."""

Quantity = Annotated[Decimal, _shown_number("An exact decimal in the meter's unit.")]
"""A quantity on its way out."""

Instant = Annotated[
    datetime,
    BeforeValidator(_read_instant),
    WithJsonSchema(
        {
            "type": "string",
            "format": "date-time",
            NOTE: "An ISO 8601 instant; one without an offset is in UTC.",
        }
    ),
]
"""An instant, in UTC once read."""

Moment = Annotated[
    datetime,
    WithJsonSchema({"type": "string", "format": "date-time", NOTE: "An instant in UTC."}),
]
"""An instant on its way out, with Z."""

Flag = Annotated[bool, BeforeValidator(_refuse_non_boolean)]
Count = Annotated[int, BeforeValidator(_refuse_non_integer)]

Words = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=500)
]
"""A text that says something: 1 to 500 characters after trimming (CONTRACT 66)."""


def _read_name(value: str) -> str:
    # What the pattern above takes for space and what ``trimmed`` does are not quite the same.
    name = trimmed(value)
    if not name:
        raise PydanticKnownError("string_too_short", {"min_length": 1})
    if not is_reachable(name):
        refusal = unreachable("The name")
        raise PydanticCustomError(refusal.code, "{detail}", {"detail": refusal.detail})
    return name


Name = Annotated[Words, AfterValidator(_read_name)]
"""Words that paths take in the place of an id (CONTRACT 96)."""


def _refuse_lines(value: str) -> str:
    if NOT_FOR_A_LINE.search(value):
        raise PydanticCustomError("unprintable", "Send one line without control characters.")
    return value


OneLine = Annotated[Words, AfterValidator(_refuse_lines)]
"""Words that stand in the head of a mail."""

LongWords = Annotated[str, StringConstraints(strict=True, strip_whitespace=True, max_length=5000)]
"""A description of at most 5,000 characters."""

Email = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, max_length=320, pattern=MAIL_ADDRESS),
]
"""Something on both sides of one @; whether it receives mail is not checked."""


def one_of(*words: str) -> WithJsonSchema:
    """The document says which words there are, where none of our enumerations does."""
    return WithJsonSchema({"type": "string", "enum": list(words)})


def any_case(kind: type[Kind]) -> BeforeValidator:
    """Read an enumeration in any case of letters (CONTRACT 6)."""
    known = {member.value.casefold(): member for member in kind}
    *others, last = [member.value for member in kind]
    expected = f"{', '.join(others)} or {last}" if others else last

    def read(value: Any) -> Any:
        if isinstance(value, str) and value.casefold() in known:
            return known[value.casefold()]
        raise PydanticKnownError("enum", {"expected": expected})

    return BeforeValidator(read)


AnyInterval = Annotated[Interval, any_case(Interval)]
