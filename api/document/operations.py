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


def parameters(document: Document, operation: Document) -> Iterator[Document]:
    """What an operation takes beside its body, also what it only refers to."""
    for one in operation.get("parameters", ()):
        own = {name: told for name, told in one.items() if name != "$ref"}
        yield _find(document, one["$ref"]) | own if "$ref" in one else own


def _find(document: Document, reference: str) -> Document:
    _, _, kind, name = reference.split("/")
    found: Document = document["components"][kind][name]
    return found
