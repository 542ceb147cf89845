"""JSON that keeps every digit: numbers come in as decimals and go out as they are (CONTRACT 1)."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, Final
from uuid import UUID

import msgspec
from fastapi import Response
from pydantic import BaseModel

from api.transport import body_limits
from api.transport.unique_keys import object_of_unique_keys
from billing.errors import InvalidInput
from billing.invoicing.receipts import instant_text
from billing.money import plain_text

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class NotANumber:
    """NaN or an infinity, which JSON does not have but parsers accept. No field takes it."""

    text: str


def load_json(body: bytes) -> Any:
    """The document with its numbers as decimals and integers, digit for digit.

    Raises InvalidInput for anything but JSON, for a key that an object has twice, for a number
    whose exponent no decimal can have, and for texts that columns refuse.
    """
    try:
        text = body.decode("utf-8")
        document = json.loads(
            text,
            parse_float=Decimal,
            parse_constant=NotANumber,
            object_pairs_hook=object_of_unique_keys,
        )
    except InvalidInput:
        raise
    except InvalidOperation as error:
        raise unreadable_number() from error
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InvalidInput("The body is not valid JSON.", code="invalid_json") from error
    if "\\u" in text:
        body_limits.require_storable_text(document)
    return document


def unreadable_number() -> InvalidInput:
    """What becomes of a number such as 1e1000000000000000000."""
    return InvalidInput("A number is beyond what can be read.", code="number_out_of_range")


def depth_of(document: Any) -> int:
    """How many objects and lists lie within each other; a plain value has depth 0."""
    deepest = 0
    waiting = [(document, 0)]
    while waiting:
        value, above = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((inner, above + 1) for inner in value.values())
        elif isinstance(value, list):
            waiting.extend((inner, above + 1) for inner in value)
        else:
            continue
        deepest = max(deepest, above + 1)
    return deepest


def dump_json(content: Any) -> bytes:
    """The JSON of a response: decimals as plain numbers, instants in UTC with Z."""
    return _encoder.encode(_jsonable(content))


def respond(content: Any, status_code: int = 200) -> Response:
    """A response whose numbers keep their digits."""
    return Response(dump_json(content), status_code=status_code, media_type="application/json")


def _jsonable(value: Any) -> Any:
    kind: Any = type(value)
    return value if kind in _PLAIN else _writer_of(kind)(value)


@cache
def _writer_of(kind: Hashable) -> Callable[[Any], Any]:
    """What makes a value of exactly this type one that the encoder knows; found once for each."""
    assert isinstance(kind, type)
    if issubclass(kind, Enum):
        return _write_enum
    if issubclass(kind, BaseModel):
        return _write_open_model if kind.model_config.get("extra") == "allow" else _write_model
    if issubclass(kind, Mapping):
        return _write_mapping
    if issubclass(kind, (list, tuple)):
        return _write_list
    if kind in _WRITERS:
        return _WRITERS[kind]
    raise TypeError(f"{kind.__name__} has no place in a response")


def _write_enum(value: Enum) -> Any:
    return value.value


def _write_model(value: BaseModel) -> Any:
    # Without a call for what the encoder knows, which is most of an answer.
    return {
        name: item if type(item) in _PLAIN else _jsonable(item)
        for name, item in value.__dict__.items()
    }


def _write_open_model(value: BaseModel) -> Any:
    """A model that has more than its fields."""
    return {name: _jsonable(item) for name, item in value}


def _write_mapping(value: Mapping[Any, Any]) -> Any:
    return {str(key): _jsonable(item) for key, item in value.items()}


def _write_list(value: list[Any] | tuple[Any, ...]) -> Any:
    return [_jsonable(item) for item in value]


def _write_number(value: Decimal) -> Any:
    return msgspec.Raw(plain_text(value).encode())


def _write_instant(value: datetime) -> Any:
    return value if value.tzinfo is UTC else instant_text(value)


_PLAIN: Final = frozenset({NoneType, bool, int, str, UUID})
"""Types whose values the encoder knows as they are."""

_WRITERS: Final[Mapping[type, Callable[[Any], Any]]] = {
    Decimal: _write_number,
    datetime: _write_instant,
    date: date.isoformat,
}
