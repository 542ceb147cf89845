"""Bad requests, made from the OpenAPI document: each field wrong in each way that its type has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.document.operations import parameters

Schema = dict[str, Any]

UNKNOWN: Final = "surprise"
DEEPEST: Final = 3
GOOD: Final = "x-good"
RIVALS: Final = (
    {"meter_token", "meter_id", "meter_name"},
    {"customer_id", "customer_external_id"},
)
"""Names of one thing, of which a usage event has one."""
ANY_PAST: Final = "0001-01-01T00:00:00Z"
TAKES_SPACE: Final = {"smtp_password", "subject", "text", "html", "timezone"}
OF_TYPE: Final[dict[str, Any]] = {
    "string": "snow",
    "number": 1.5,
    "boolean": True,
    "array": [[]],
    "object": {"snow": 1},
}
NO_FORM: Final = "sn ow"
NOT_NUMBERS: Final = ("NaN", "Infinity", "-Infinity")
OUT_OF_RANGE: Final = (10**31, "1e99", "1e-99", "1,5", "0x10", "1 000", "")
LOST_DAYS: Final = ("yesterday", ANY_PAST, "9999-12-31T23:59:59Z", "2026-02-30", "")
NAMES_NOTHING: Final = {
    "timezone": "Mars/Olympus",
    "currency": "QQQ",
    "cost_currency": "QQQ",
    "country": "QQ",
    "billing_address_country": "QQ",
}
"""Texts as they should be, that stand for nothing there is."""
FREE: Final = ({str(one): 1 for one in range(51)}, {"a": "x" * 40_000})


@dataclass(frozen=True, slots=True)
class Raw:
    """What stands in the body as it is, though no JSON document has it."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRequest:
    """A request whose field is wrong in one way, and so is refused by the field's name."""

    operation: str
    place: str
    field: str
    way: str
    sent: str

    def __str__(self) -> str:
        return f"{self.operation} {self.field} {self.way}"


def bad_requests(document: Schema, good: Mapping[str, Schema]) -> Iterator[BadRequest]:
    """Every one, in the order of the document.

    ``good`` are bodies by the names of their schemas, where more is asked of a good one than types.
    """
    document = {**document, GOOD: good}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = f"{method.upper()} {path}"
            yield from _of_query(document, name, operation)
            content = operation.get("requestBody", {}).get("content", {})
            if "application/json" in content:
                yield from _of_body(document, name, content["application/json"]["schema"])


def _of_query(document: Schema, name: str, operation: Schema) -> Iterator[BadRequest]:
    for parameter in parameters(document, operation):
        if parameter["in"] != "query":
            continue
        schema = _resolved(document, parameter["schema"])
        for way, value in _wrong_values(document, schema):
            # In an address everything is a text.
            if isinstance(value, str) and not (value == "" or _takes_texts(schema)):
                yield BadRequest(
                    operation=name, place="query", field=parameter["name"], way=way, sent=value
                )
        if parameter["name"] in NAMES_NOTHING:
            yield BadRequest(
                operation=name,
                place="query",
                field=parameter["name"],
                way="names nothing",
                sent=NAMES_NOTHING[parameter["name"]],
            )
    yield BadRequest(operation=name, place="query", field=UNKNOWN, way="unknown", sent="1")


def _takes_texts(schema: Schema) -> bool:
    """Whether any text will do that is not too long."""
    texts = [one for one in _choices(schema) if one.get("type") == "string"]
    return any(not one.keys() & {"format", "enum", "pattern"} for one in texts)


def _of_body(document: Schema, name: str, schema: Schema) -> Iterator[BadRequest]:
    schema = _resolved(document, schema)
    rows = schema.get("type") == "array"
    body = _resolved(document, schema["items"]) if rows else schema
    good = _good(document, body)
    for field, way, wrong in _wrong_bodies(document, body, good, 0):
        sent = write_json([wrong] if rows else wrong)
        yield BadRequest(operation=name, place="body", field=field, way=way, sent=sent)


def _wrong_bodies(
    document: Schema, schema: Schema, good: dict[str, Any], depth: int
) -> Iterator[tuple[str, str, Any]]:
    """The object with one of its fields wrong, with the field and the way."""
    for name, described in schema.get("properties", {}).items():
        field = _resolved(document, described)
        for way, value in _wrong_values(document, field):
            is_spared = way == "only space" and name in TAKES_SPACE
            if not (is_spared or (name == "timestamp" and value == ANY_PAST)):
                yield name, way, _with(good, name, value)
        if name in NAMES_NOTHING:
            yield name, "names nothing", _with(good, name, NAMES_NOTHING[name])
        if name in schema.get("required", ()):
            yield name, "missing", {one: value for one, value in good.items() if one != name}
        value = _good(document, field)
        twice = f"{json.dumps(name)}:{write_json(value)}"
        rest = write_json({one: kept for one, kept in good.items() if one != name})[1:-1]
        yield name, "twice", Raw("{" + ",".join(filter(None, (twice, twice, rest))) + "}")
        yield from _within(document, name, field, good, depth)
    if schema.get("additionalProperties") is False:
        yield UNKNOWN, "unknown", good | {UNKNOWN: 1}


def _with(good: dict[str, Any], name: str, value: Any) -> dict[str, Any]:
    rivals = next((names for names in RIVALS if name in names), set())
    is_event = "quantity" in good
    return {one: kept for one, kept in good.items() if not (is_event and one in rivals)} | {
        name: value
    }


def _within(
    document: Schema, name: str, field: Schema, good: dict[str, Any], depth: int
) -> Iterator[tuple[str, str, Any]]:
    """The object with a field wrong that lies deeper, in an object or in a list of objects."""
    for choice in _choices(field) if depth < DEEPEST else ():
        one = _resolved(document, choice)
        items = _resolved(document, one.get("items", {}))
        for inner, place in ((one, ""), (items, ".0")):
            if "properties" in inner:
                sound = _good(document, inner)
                for below, way, wrong in _wrong_bodies(document, inner, sound, depth + 1):
                    value = [wrong] if place else wrong
                    yield f"{name}{place}.{below}", way, good | {name: value}


def _wrong_values(document: Schema, schema: Schema) -> Iterator[tuple[str, Any]]:
    choices = [_resolved(document, one) for one in _choices(schema)]
    kinds = {one.get("type", "string" if "enum" in one else None) for one in choices}
    if None in kinds:
        return
    for kind, value in OF_TYPE.items():
        is_whole = kind == "number" and "integer" in kinds
        if kind not in kinds and not is_whole:
            yield f"a {kind}", value
    if "null" not in kinds:
        yield "null", None
    is_free = _takes_texts({"anyOf": choices})
    for one in choices:
        match one.get("type", "string" if "enum" in one else None):
            case "string":
                yield "NUL", "a\x00b"
                yield from _wrong_texts(one, numbers="number" in kinds and not is_free)
            case "number" | "integer":
                yield from _wrong_numbers(one, is_free=is_free)
            case "array":
                yield from _wrong_lists(document, one)
            case "object" if one.get("additionalProperties") is True:
                yield from (("too much", value) for value in FREE)


def _wrong_numbers(one: Schema, *, is_free: bool) -> Iterator[tuple[str, Any]]:
    """``is_free``: any text is taken in the place of a number, so none is wrong."""
    yield from ((text, Raw(text)) for text in NOT_NUMBERS)
    if one["type"] == "integer":
        yield "a fraction", 1.5
    else:
        yield from (
            (f"{value!r}", value)
            for value in OUT_OF_RANGE
            if not (is_free and isinstance(value, str))
        )
    if "minimum" in one:
        yield "too small", one["minimum"] - 1
    if "maximum" in one:
        yield "too large", one["maximum"] + 1


def _wrong_lists(document: Schema, one: Schema) -> Iterator[tuple[str, Any]]:
    if "maxItems" in one:
        item = _good(document, _resolved(document, one["items"]))
        yield "too many", [item] * (one["maxItems"] + 1)
    if one.get("minItems"):
        yield "too few", []


def _wrong_texts(one: Schema, *, numbers: bool) -> Iterator[tuple[str, Any]]:
    if "enum" in one:
        yield "no such word", "snow"
    if "format" in one or numbers or not re.search(one.get("pattern", ""), NO_FORM):
        yield "no such form", NO_FORM
    if one.get("format") == "date-time":
        yield from ((f"the day {text!r}", text) for text in LOST_DAYS)
    if "maxLength" in one:
        yield "too long", "x" * (one["maxLength"] + 1)
    if one.get("minLength"):
        yield "empty", ""
        yield "only space", "  "


def _good(document: Schema, schema: Schema) -> Any:
    """A value that its type takes; of an object, what it requires."""
    if schema.get("title") in document[GOOD]:
        return document[GOOD][schema["title"]]
    if "properties" in schema:
        return {
            name: _good(document, _resolved(document, schema["properties"][name]))
            for name in schema.get("required", ())
        }
    for told in ("examples", "enum"):
        if schema.get(told):
            return schema[told][0]
    one = _resolved(document, _choices(schema)[0])
    if one is not schema and one != schema:
        return _good(document, one)
    if schema.get("format") == "date-time":
        return "2026-03-02T08:00:00Z"
    if schema.get("format") == "uuid":
        return "0190f5a0-0000-7000-8000-000000000000"
    if "items" in schema:
        return [_good(document, _resolved(document, schema["items"]))]
    fitting = {"integer": 1, "number": 1, "boolean": True, "object": {}, "null": None}
    word = "a@b.test" if "@" in schema.get("pattern", "") else "word-of-eight"
    return fitting.get(schema.get("type", ""), word)


def _choices(schema: Schema) -> list[Schema]:
    choices: list[Schema] = schema.get("anyOf", [schema])
    return choices


def _resolved(document: Schema, schema: Schema) -> Schema:
    if "$ref" not in schema:
        return schema
    found: Schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def write_json(value: Any) -> str:
    """The JSON of a value, with what is raw as it is."""
    match value:
        case Raw():
            return value.text
        case dict():
            inner = (f"{json.dumps(name)}:{write_json(one)}" for name, one in value.items())
            return "{" + ",".join(inner) + "}"
        case list():
            return "[" + ",".join(map(write_json, value)) + "]"
    return json.dumps(value)


def names(field: str, errors: list[dict[str, Any]]) -> bool:
    """Whether one of the errors is of the field, or of a part of it.

    A key that an object has twice is told by itself, wherever the object lies.
    """
    told = [str(error.get("field", "")) for error in errors]
    twice = [error["field"] for error in errors if error.get("code") == "duplicate_key"]
    return field.rpartition(".")[2] in twice or any(
        one == field or one.startswith(f"{field}.") for one in told
    )
