"""Whether answers are what the OpenAPI document says of them, in both directions.

Everything that is described is there, and nothing is there that is not described.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar, Final

import httpx2 as httpx
from jsonschema import Draft202012Validator

from tests.api.shared_document import shared_document

_PARAMETER: Final = re.compile(r"\\\{\w+\\\}")


class AnswerChecks:
    """Compares answers with the document of the application that gave them."""

    shared: ClassVar[AnswerChecks | None] = None

    def __init__(self, document: dict[str, Any]) -> None:
        self._operations = list(_operations(document))
        self._components = closed(document["components"]["schemas"])
        self._validators: dict[str, Draft202012Validator] = {}
        self.seen: set[str] = set()
        """The operations of which an answer was compared."""

    @classmethod
    def of_all(cls) -> AnswerChecks:
        """The checks of all applications, whose documents are alike."""
        if cls.shared is None:
            cls.shared = cls(shared_document())
        return cls.shared

    def names(self, method: str) -> list[str]:
        """The operations of a method."""
        return [name for name, *_ in self._operations if name.startswith(f"{method} ")]

    def check(self, answer: httpx.Response) -> None:
        """The answer is one that is described. Raises AssertionError."""
        request = answer.request
        path = request.url.raw_path.decode().partition("?")[0]
        operation = self._find(request.method, path)
        if operation is None or answer.is_error or "fluxrate-numbers" in request.headers:
            return
        name, described = operation
        responses = described["responses"]
        assert str(answer.status_code) in responses, (name, answer.status_code)
        told = responses[str(answer.status_code)]
        content = told.get("content", {})
        assert ("set-cookie" in answer.headers) == ("Set-Cookie" in told["headers"]), name
        kind = answer.headers.get("content-type", "").partition(";")[0]
        assert kind in content or not (kind or content), (name, answer.status_code, kind)
        self.seen.add(name)
        if kind != "application/json":
            return
        document = json.loads(answer.read())
        problems = [
            f"{error.json_path}: {error.message}"
            for error in self._validator(content[kind]["schema"]).iter_errors(document)
        ]
        assert not problems, (name, problems[:5])

    def _find(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        for name, pattern, operation in self._operations:
            if name.startswith(f"{method} ") and pattern.fullmatch(path):
                return name, operation
        return None

    def _validator(self, schema: dict[str, Any]) -> Draft202012Validator:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            root = {**schema, "components": {"schemas": self._components}}
            self._validators[key] = Draft202012Validator(root)
        return self._validators[key]


def _operations(
    document: dict[str, Any],
) -> Iterator[tuple[str, re.Pattern[str], dict[str, Any]]]:
    """Every operation by its path, first those whose paths have the fewest parameters."""
    paths = sorted(document["paths"].items(), key=lambda one: one[0].count("{"))
    for path, methods in paths:
        pattern = re.compile(_PARAMETER.sub("[^/]+", re.escape(path)))
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", pattern, operation


def closed(components: dict[str, Any]) -> dict[str, Any]:
    """The components, none of whose objects takes what it does not describe."""
    closed: dict[str, Any] = json.loads(json.dumps(components))
    for one in _objects(closed):
        if "properties" in one:
            one.setdefault("additionalProperties", False)
    return closed


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _objects(inner)
