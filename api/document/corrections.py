"""What the framework gets wrong about the OpenAPI document, put right in one walk over it."""

from __future__ import annotations

import re
from typing import Any, Final

from api.document.operations import Document, operations
from api.transport.urls.natural_keys import NATURAL_KEYS

NULL_IN_EXAMPLE: Final = "\x00null"
"""What an example says for null: the framework leaves nulls out, which change what it means."""

_BOUNDS: Final = {"ge": "minimum", "le": "maximum"}

_OUR_NOTES: Final = re.compile(
    r" ?\((?:CONTRACT|CREDITS)[^)]*\)|\s*\*?Source\*?: (?:CONTRACT|CREDITS)[^\n]*"
)


def correct(document: Document) -> Document:
    """The document without notes to ourselves, and with the nulls of its examples.

    Parameters that take a natural key say so; a body that may be left out is not said to be null.
    """
    corrected: Document = _walk(document)
    for _, _, operation in operations(corrected):
        for parameter in operation.get("parameters", ()):
            _describe_natural_key(parameter)
        _leave_null_out(operation.get("requestBody", {}))
    return corrected


def _walk(value: Any) -> Any:
    match value:
        case dict():
            return {
                _keyword(name, inner): _without_notes(inner)
                if name == "description" and isinstance(inner, str)
                else _walk(inner)
                for name, inner in value.items()
            }
        case list():
            return [_walk(inner) for inner in value]
    return None if value == NULL_IN_EXAMPLE else value


def _keyword(name: str, inner: Any) -> str:
    """The word of JSON Schema for a bound that the framework leaves in its own."""
    return _BOUNDS.get(name, name) if isinstance(inner, int) else name


def _without_notes(text: str) -> str:
    return _OUR_NOTES.sub("", text).replace("``", "`")


def _describe_natural_key(parameter: Document) -> None:
    key = NATURAL_KEYS.get(parameter["name"])
    if key is not None and parameter["in"] == "path":
        noun = key.noun.replace("_", " ")
        parameter["description"] = f"The {noun}'s id or `{key.name}`."
        parameter["schema"] = {
            "type": "string",
            "minLength": 1,
            "title": parameter["schema"].get("title", parameter["name"]),
        }


def _leave_null_out(body: Document) -> None:
    for content in body.get("content", {}).values():
        choices = content["schema"].get("anyOf", ())
        kinds = [choice for choice in choices if choice != {"type": "null"}]
        if len(kinds) == 1 < len(choices):
            content["schema"] = kinds[0]
