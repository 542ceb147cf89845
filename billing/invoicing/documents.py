"""How values are written as JSON documents: what writes each kind of them is found once.

What documents hold, and how they are read again, is in :mod:`billing.invoicing.receipts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from types import NoneType
from typing import Final, TypeAlias, get_type_hints
from uuid import UUID

from billing.money import plain_text
from billing.ratios import Ratio

Document: TypeAlias = (
    bool | int | str | list["Document"] | tuple["Document", ...] | dict[str, "Document"] | None
)

Writer: TypeAlias = Callable[..., Document]
"""Gives the document of a value."""

TAG: Final = "model"
"""Price models are told apart by the name that they also have in the API.

A line has a field of the same name, which is data like any other.
"""


def instant_text(instant: datetime) -> str:
    """Write an instant in UTC with Z, and microseconds only if there are any.

    Raises: TypeError without a zone. Worked example: ``2025-01-31T23:00:00Z``.
    """
    if instant.utcoffset() is None:
        raise TypeError("An instant needs a zone.")
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def key_of(key: object) -> str:
    """The key of a mapping as that of a document. Raises TypeError for what is no string."""
    if not isinstance(key, str):
        raise TypeError("The keys of a document are strings.")
    return key


@lru_cache(maxsize=256)
def fields_of(kind: type) -> tuple[tuple[str, object, object], ...]:
    """Give name, type and default (or MISSING) of each field that is not derived."""
    hints = get_type_hints(kind)
    return tuple((one.name, hints[one.name], one.default) for one in fields(kind) if one.init)


def _same(value: bool | int | str | None) -> Document:
    return value


_SCALARS: Final[Mapping[type, Writer]] = {
    NoneType: _same,
    bool: _same,
    int: _same,
    str: _same,
    Decimal: plain_text,
    Ratio: str,
    datetime: instant_text,
    date: date.isoformat,
    UUID: str,
}


class Writers(dict[type, Writer]):
    """What writes a value, by its kind: a bill has a thousand values of a few kinds.

    In canonical documents fields at their default are left out.
    """

    def __init__(self, *, is_canonical: bool) -> None:
        super().__init__(_SCALARS)
        self._is_canonical = is_canonical

    def write(self, value: object) -> Document:
        """Give the document of a value. Raises TypeError for a kind that has none."""
        return self[type(value)](value)

    def __missing__(self, kind: type) -> Writer:
        self[kind] = found = self._find(kind)
        return found

    def _find(self, kind: type) -> Writer:
        if is_dataclass(kind):
            return self._dataclass_writer(kind)
        if issubclass(kind, (tuple, list)):
            return self._write_items
        if issubclass(kind, Mapping):
            return self._write_mapping
        if issubclass(kind, Enum):
            return lambda value: self.write(value.value)
        raise TypeError(f"{kind.__name__} has no canonical form.")

    def _write_items(self, items: Iterable[object]) -> list[Document]:
        return [self[type(item)](item) for item in items]

    def _write_mapping(self, value: Mapping[object, object]) -> dict[str, Document]:
        return {key_of(key): self.write(item) for key, item in value.items()}

    def _dataclass_writer(self, kind: type) -> Writer:
        # MISSING is what no field holds.
        written = tuple(
            (name, default if self._is_canonical else MISSING)
            for name, _, default in fields_of(kind)
        )
        tag = getattr(kind, TAG, None)

        def write(value: object) -> dict[str, Document]:
            document: dict[str, Document] = {}
            for name, default in written:
                held = getattr(value, name)
                if held is None:  # most of a line
                    if default is not None:
                        document[name] = None
                elif default is MISSING or held != default:
                    document[name] = self[type(held)](held)
            if isinstance(tag, str):
                document[TAG] = tag
            return document

        return write
