"""Examples of requests and answers, as they were recorded from a run of the product."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

from api.document.operations import Document, operations

Told = dict[str, Any]
"""Status, and of path, query, request and answer what there was."""

RECORDED: Final = Path(__file__).parent / "recorded"


@cache
def read_examples() -> dict[str, Told]:
    """The example of each operation, by the operation's name."""
    return {
        name: told
        for file in sorted(RECORDED.glob("*.json"))
        for name, told in json.loads(file.read_text()).items()
    }


def file_of(tag: str) -> Path:
    """Where the examples of a tag are."""
    return RECORDED / f"{tag.lower().replace(' ', '_')}.json"


def add_examples(document: Document) -> None:
    """Every operation that has an example shows it: parameters, body and answer."""
    examples = read_examples()
    for _, _, operation in operations(document):
        told = examples.get(operation["operationId"])
        if told is not None:
            _add(operation, told)


def _add(operation: Document, told: Told) -> None:
    for parameter in operation.get("parameters", ()):
        place = told.get(parameter["in"], {})
        if parameter["name"] in place:
            parameter["example"] = place[parameter["name"]]
    if "request" in told:
        operation["requestBody"]["content"]["application/json"]["example"] = told["request"]
    if "answer" in told:
        content = operation["responses"][str(told["status"])].setdefault("content", {})
        for kind in [told["kind"]] if told["kind"] in content else list(content)[:1]:
            content[kind]["example"] = told["answer"]
