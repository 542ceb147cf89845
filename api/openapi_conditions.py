"""What ``/openapi.json`` says of tags: who answers with one, and who takes conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.transport.conditional.resources import EDITS, Resource, find_resource
from api.transport.conditional.tags import IF_MATCH, IF_NONE_MATCH

Document = dict[str, Any]

ETAG: Final[Document] = {
    "description": "The tag of what is shown, for `If-None-Match` and `If-Match`.",
    "schema": {"type": "string"},
}


def describe_conditions(
    operation: Document, path: str, method: str, resources: Mapping[str, Resource]
) -> None:
    """The operation says which conditions it takes, and whether its answer has a tag."""
    shown = find_resource(resources, path)
    if shown is None or (method == "get" and shown.template != path):
        return
    if method == "get":
        _take(
            operation, IF_NONE_MATCH, "Tags that you have: 304 without a body if one still holds."
        )
        operation["responses"]["304"] = {"description": "It is what you have.", "headers": _TAGGED}
    else:
        what = "this" if shown.template == path else f"`GET {shown.template}`"
        _take(
            operation,
            IF_MATCH,
            f"The tag that {what} had when you read it: 412 `precondition_failed` if it has"
            " changed since, and nothing is done.",
        )
    if method == "get" or method.upper() in EDITS:
        operation["responses"]["200"]["headers"] = _TAGGED


_TAGGED: Final[Document] = {"ETag": ETAG}


def _take(operation: Document, header: str, description: str) -> None:
    parameter = {
        "name": header,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string"},
    }
    operation.setdefault("parameters", []).append(parameter)
