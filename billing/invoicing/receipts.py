"""Receipts: values as canonical JSON documents and back, and digests of them.

A document holds objects, lists, strings, integers, booleans and null: decimals are written in plain
notation without superfluous zeros, ratios as ``1/3``, instants in ISO 8601 with Z. Equal values
give equal bytes on every platform, in any order of keys.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache, partial
from hashlib import sha256
from types import NoneType, UnionType
from typing import TypeAlias, TypeVar, Union, cast, get_args, get_origin

from billing.errors import InvalidInput
from billing.invoicing.documents import TAG, Document, Writers, fields_of, instant_text, key_of
from billing.ratios import Ratio, parse_ratio

__all__ = [
    "Document",
    "canonical_bytes",
    "canonical_document",
    "digest",
    "from_document",
    "instant_text",
    "to_document",
]

T = TypeVar("T")

Reader: TypeAlias = Callable[[object], object]
"""Gives the value that a document holds. Raises _Misfit."""

# Both are written as text; only a ratio has a stroke.
_NUMBERS = (Decimal, Ratio)

_PLAIN, _CANONICAL = Writers(is_canonical=False), Writers(is_canonical=True)


def to_document(value: object) -> Document:
    """Give the JSON document of a value made of our dataclasses, tuples, mappings and scalars.

    Raises: TypeError for anything else, floats and naive datetimes above all.
    """
    return _PLAIN.write(value)


def from_document(kind: type[T], document: object) -> T:
    """Give the value that a document was made of.

    Raises: InvalidInput ``invalid_document`` with the location of what does not fit.
    """
    return cast("T", _read(kind, document))


def canonical_bytes(value: object) -> bytes:
    """Give the bytes that stand for a value: UTF-8 JSON with sorted keys and no spaces.

    Fields at their default are left out, so that a field added later does not change the digest of
    an earlier value. Where names are ASCII these are the bytes of RFC 8785 (JCS): its own order of
    names and form of numbers differ only beyond. Raises: TypeError as :func:`to_document`.
    """
    document = canonical_document(value)
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def canonical_document(value: object) -> Document:
    """Give the document whose bytes stand for a value: the same digest to whoever has it alone."""
    return _CANONICAL.write(value)


def digest(value: object) -> str:
    """Give the SHA-256 of the canonical bytes, in lower-case hex."""
    return sha256(canonical_bytes(value)).hexdigest()


class _Misfit(Exception):
    """A document does not hold a value of a kind; at what place, whoever reads it adds."""

    def __init__(self, kind: object, *place: object) -> None:
        super().__init__(getattr(kind, "__name__", str(kind)))
        self.place = [*place]


@lru_cache(maxsize=1024)
def _reader(kind: object) -> Reader:
    """What reads a value of a kind from a document; found once for each kind."""
    kind = getattr(kind, "__supertype__", kind)
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return _union_reader(get_args(kind))
    if origin is tuple:
        return partial(_read_tuple, _reader(get_args(kind)[0]))
    if origin is not None:
        return partial(_read_mapping, _reader(get_args(kind)[1]))
    if isinstance(kind, type) and is_dataclass(kind) and kind not in _NUMBERS:
        return partial(_read_dataclass, kind)
    if kind in (bool, int, str, NoneType):
        return partial(_read_plain, kind)
    return partial(_read_text, kind, _PARSERS.get(kind, cast("Callable[[str], object]", kind)))


def _read(kind: object, document: object) -> object:
    try:
        return _reader(kind)(document)
    except _Misfit as misfit:
        field = ".".join(map(str, reversed(misfit.place)))
        said = f"The document does not hold a {misfit} at {field or 'its top'}."
        raise InvalidInput(said, code="invalid_document", field=field or None) from misfit.__cause__


def _union_reader(kinds: tuple[object, ...]) -> Reader:
    rest = tuple(kind for kind in kinds if kind is not NoneType)
    if rest == _NUMBERS:
        read: Reader = _read_number
    else:
        read = _reader(rest[0]) if len(rest) == 1 else partial(_read_union, rest)
    return read if len(rest) == len(kinds) else partial(_read_optional, read)


def _read_plain(kind: object, document: object) -> object:
    if type(document) is kind:
        return document
    raise _Misfit(kind)


def _read_text(kind: object, parse: Callable[[str], object], document: object) -> object:
    if not isinstance(document, str):
        raise _Misfit(kind)
    try:
        return parse(document)
    except (ArithmeticError, ValueError) as error:
        raise _Misfit(kind) from error


def _parse_instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.utcoffset() is None:
        raise ValueError(text)
    return instant.astimezone(UTC)


_PARSERS: Mapping[object, Callable[[str], object]] = {
    datetime: _parse_instant,
    date: date.fromisoformat,
    Ratio: parse_ratio,
}


def _read_optional(read: Reader, document: object) -> object:
    return None if document is None else read(document)


def _read_union(kinds: tuple[object, ...], document: object) -> object:
    for kind in kinds:
        if _is_kind_of(kind, document):
            return _reader(kind)(document)
    raise _Misfit(kinds)


def _read_number(document: object) -> object:
    """A number with or without a last digit, which is most of what a line holds."""
    if not isinstance(document, str):
        raise _Misfit(_NUMBERS)
    return _reader(Ratio if "/" in document else Decimal)(document)


def _is_kind_of(kind: object, document: object) -> bool:
    if isinstance(document, Mapping):
        return TAG in document and getattr(kind, TAG, None) == document[TAG]
    if isinstance(document, (list, tuple)):
        return get_origin(kind) is tuple
    return type(document) is kind


def _read_tuple(read: Reader, document: object) -> object:
    if not isinstance(document, (list, tuple)):
        raise _Misfit(tuple)
    items: list[object] = []
    try:
        for item in document:
            items.append(read(item))  # noqa: PERF401  (how many there are says which one it was)
    except _Misfit as misfit:
        misfit.place.append(len(items))
        raise
    return tuple(items)


def _read_mapping(read: Reader, document: object) -> object:
    if not isinstance(document, Mapping):
        raise _Misfit(dict)
    values: dict[str, object] = {}
    for key, item in document.items():
        try:
            values[key_of(key)] = read(item)
        except _Misfit as misfit:
            misfit.place.append(key)
            raise
    return values


@lru_cache(maxsize=256)
def _field_readers(kind: type) -> tuple[tuple[str, Reader, object], ...]:
    return tuple((name, _reader(hint), default) for name, hint, default in fields_of(kind))


def _read_dataclass(kind: type, document: object) -> object:
    if not isinstance(document, (dict, Mapping)):  # a dictionary is known at once
        raise _Misfit(kind)
    values: dict[str, object] = {}
    try:
        for name, read, default in _field_readers(kind):
            if name in document:
                held = document[name]
                # What is not there is most of a line.
                values[name] = None if held is None and default is None else read(held)
            elif default is MISSING:
                raise _Misfit(kind)  # noqa: TRY301  (its place is added below)
    except _Misfit as misfit:
        misfit.place.append(name)
        raise
    if len(document) > len(values):
        unknown = document.keys() - values.keys() - {TAG}
        if unknown:
            raise _Misfit(kind, min(map(str, unknown)))
    return kind(**values)
