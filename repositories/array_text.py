"""PostgreSQL arrays as text: much cheaper to write than what adapters make of lists."""

from __future__ import annotations

from collections.abc import Iterable


def array(elements: Iterable[str]) -> str:
    """A PostgreSQL array out of texts that need no quotes or have them."""
    return "{" + ",".join(elements) + "}"


def quoted(element: str) -> str:
    """A text as an element of a PostgreSQL array."""
    return '"' + element.replace("\\", "\\\\").replace('"', '\\"') + '"'


def optional(element: str | None) -> str:
    """A text or nothing as an element of a PostgreSQL array."""
    return "NULL" if element is None else quoted(element)
