"""JSON without binary floats, and what is read into the types that the models declare."""

from __future__ import annotations

import json
import re
import secrets
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints
from uuid import UUID

from fluxrate_client.answers import wire_name

Number = Decimal | int | float | str
"""A number as it may be given. A float is sent with the digits that Python prints."""


class Left:
    """The type of what was not given, which is not the same as None."""

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "LEFT_OUT"


LEFT_OUT = Left()

_MARK = secrets.token_hex(8)
_MARKED = re.compile(f'"{_MARK}([^"]*)"')
"""The standard library writes no decimals: they are written as marked texts, and then unmarked."""


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values without those that were left out."""
    return {name: value for name, value in values.items() if not isinstance(value, Left)}


def dump(value: Any) -> bytes:
    """The value as JSON; decimals are numbers with all their digits."""
    marked = json.dumps(value, default=_plain, separators=(",", ":"))
    return _MARKED.sub(r"\1", marked).encode()


def load(content: bytes) -> Any:
    """The JSON document, its numbers exact."""
    return json.loads(content, parse_float=Decimal)


def query_of(values: Mapping[str, Any]) -> dict[str, str]:
    """What was given, as it stands in an address."""
    return {
        name: value if isinstance(value, str) else dump(value).decode().strip('"')
        for name, value in given(values).items()
        if value is not None
    }


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return f"{_MARK}{value:f}"
        case datetime() if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: give it one, such as datetime.UTC.")
        case date():
            return value.isoformat()
        case UUID():
            return str(value)
        case Mapping():
            return dict(value)
        case Sequence():
            return list(value)
    if is_dataclass(value):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    raise TypeError(f"{value!r} cannot be sent.")


def read(kind: Any, value: Any) -> Any:
    """The value as the type: what is more is left out, and what is not known stays as it came."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _read_one_of(get_args(kind), value)
    if origin is list and isinstance(value, list):
        return [read(get_args(kind)[0], one) for one in value]
    if origin is dict and isinstance(value, dict):
        return {name: read(get_args(kind)[1], one) for name, one in value.items()}
    if kind is Decimal and isinstance(value, int | str) and not isinstance(value, bool):
        return Decimal(value)
    if kind is datetime and isinstance(value, str):
        return datetime.fromisoformat(value)
    if kind is date and isinstance(value, str):
        return date.fromisoformat(value)
    if is_dataclass(kind) and isinstance(value, dict):
        return _read_model(kind, value)
    return value


def _read_one_of(kinds: tuple[Any, ...], value: Any) -> Any:
    if value is None:
        return None
    return read(next((kind for kind in kinds if _fits(kind, value)), Any), value)


def _fits(kind: Any, value: Any) -> bool:
    origin = get_origin(kind)
    if origin is Literal:
        return value in get_args(kind)
    if is_dataclass(kind):
        return isinstance(value, dict) and value.keys() >= _required(cast("type", kind))
    if kind in (Decimal, datetime, date):
        return isinstance(value, str | int | Decimal) and not isinstance(value, bool)
    if kind is Any:
        return True
    return isinstance(value, origin or kind)


def _read_model(kind: Any, value: Mapping[str, Any]) -> Any:
    hints = _hints(kind)
    return kind(
        **{
            # What an older API does not say yet is None.
            one.name: read(hints[one.name], value.get(wire_name(one)))
            for one in fields(kind)
        }
    )


@cache
def _required(kind: type[Any]) -> frozenset[str]:
    return frozenset(wire_name(one) for one in fields(kind) if one.default is MISSING)


@cache
def _hints(kind: type) -> dict[str, Any]:
    from fluxrate_client import models  # noqa: PLC0415  they are made of what stands here

    return get_type_hints(kind, globalns=vars(models) | {"Any": Any})
