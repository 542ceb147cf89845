"""The operations of an OpenAPI document, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Document = dict[str, Any]


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Path, method in small letters, and operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation
