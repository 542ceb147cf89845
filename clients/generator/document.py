"""The document that the product prints, and the name of each of its operations in the clients."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from api.app import PREFIX, describe
from api.document.names import list_names, read_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the document, with its place in the clients."""

    resource: str
    name: str
    method: str
    path: str
    described: dict[str, Any]


def print_document() -> dict[str, Any]:
    """What ``/openapi.json`` answers, as JSON has it. No engine is needed for it."""
    document: dict[str, Any] = json.loads(json.dumps(describe(), default=str))
    return document


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    """Every operation that has a name.

    Raises:
        KeyError: a name leads to no operation.
    """
    for resource, name, address in list_names():
        method, path = address_of(document, address)
        described = document["paths"][path][method]
        yield Operation(resource=resource, name=name, method=method, path=path, described=described)


def address_of(document: dict[str, Any], address: str) -> tuple[str, str]:
    """The method and the whole path of ``POST /customers``."""
    method, _, path = address.partition(" ")
    whole = path if path in document["paths"] else f"{PREFIX}{path}"
    return method.lower(), whole


def unnamed(document: dict[str, Any]) -> set[tuple[str, str]]:
    """Operations that the file of names does not mention."""
    mentioned = {
        address_of(document, address)
        for methods in read_names().values()
        for one in methods.values()
        for address in ([one] if isinstance(one, str) else one)
    }
    return {
        (method, path) for path, item in document["paths"].items() for method in item
    } - mentioned
