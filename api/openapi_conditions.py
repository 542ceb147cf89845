"""What ``/openapi.json`` says of tags: who answers with one, and who takes conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from api.document.headers import ETAG, HEADERS, JSON, PARAMETERS
from api.document.operations import Document
from api.transport.conditional.resources import EDITS, Resource, find_resource
from api.transport.conditional.tags import IF_MATCH, IF_NONE_MATCH

_TAGGED: Final[Document] = {ETAG: HEADERS[ETAG]}


def describe_conditions(
    operation: Document,
    path: str,
    method: str,
    resources: Mapping[str, Resource],
    *,
    only_reads: bool,
) -> None:
    """The operation says which conditions it takes, and whether its answer has a tag.

    One that only looks, such as a preview, has nothing to protect from other edits.
    """
    if method == "get":
        _describe_read(operation)
        return
    shown = find_resource(resources, path)
    if shown is None or only_reads:
        return
    _take(operation, IF_MATCH, "" if shown.template == path else shown.template)
    if method.upper() in EDITS:
        operation["responses"]["200"]["headers"] = _TAGGED


def _describe_read(operation: Document) -> None:
    """Every answer that is one JSON document has a tag, that of a list too."""
    answer: Document = operation["responses"].get("200", {})
    if JSON in answer.get("content", ()):
        _take(operation, IF_NONE_MATCH)
        answer["headers"] = _TAGGED
        operation["responses"]["304"] = {"description": "It is what you have.", "headers": _TAGGED}


def _take(operation: Document, header: str, of: str = "") -> None:
    """It takes the header; the tag is of what is read under another address, if one is given."""
    parameter: Document = PARAMETERS[header]
    if of:
        told = parameter["description"].replace("this had", f"`GET {of}` had", 1)
        parameter = parameter | {"description": told}
    operation.setdefault("parameters", []).append(parameter)
