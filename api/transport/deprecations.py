"""Operations that go: how the document, and every answer of theirs, says since when and until when.

*Source: docs/reference/versions.md*
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Final

from api.document.operations import Document

TABLE: Final = Path(__file__).parent / "deprecations.toml"
SHORTEST: Final = timedelta(days=365)
"""How long what is deprecated works on at the least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deprecation:
    """``since`` it is deprecated; from ``gone`` on, itself included, it may be gone. Days of UTC.

    Raises ValueError where fewer than 365 days lie between them.
    """

    since: date
    gone: date
    instead: str

    def __post_init__(self) -> None:
        if self.gone - self.since < SHORTEST:
            raise ValueError(f"{SHORTEST.days} days lie between {self.since} and its end at least")

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """``Deprecation`` (RFC 9745) and ``Sunset`` (RFC 8594), by ASGI's names."""
        sunset = format_datetime(_begin_of(self.gone), usegmt=True)
        return (
            (b"deprecation", f"@{int(_begin_of(self.since).timestamp())}".encode()),
            (b"sunset", sunset.encode()),
        )


@cache
def read_deprecations() -> Mapping[tuple[str, str], Deprecation]:
    """What is deprecated, by its method and the template of its path."""
    return parse_deprecations(TABLE.read_text())


def parse_deprecations(text: str) -> Mapping[tuple[str, str], Deprecation]:
    """The operations of a table, by method and template. Raises ValueError, TypeError."""
    found = {}
    for operation, fields in tomllib.loads(text).items():
        method, _, template = operation.partition(" ")
        found[method, template] = Deprecation(**fields)
    return found


def describe_deprecation(operation: Document, found: Deprecation | None) -> None:
    """The document says of an operation that it goes, and what to use instead."""
    if found is not None:
        operation["deprecated"] = True
        operation["description"] = (
            f"{operation.get('description', '')}\n\nDeprecated since {found.since};"
            f" it may be gone from {found.gone} on. {found.instead}"
        ).strip()


def _begin_of(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
