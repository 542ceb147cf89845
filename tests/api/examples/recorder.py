"""Requests of a story and what was answered, told so that two runs of it say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from httpx2 import Response
from starlette.testclient import TestClient

from api.document.operations import operations
from tests.api.shared_document import shared_document

Told = dict[str, Any]

JSON: Final = "application/json"
TEXTS: Final = ("text/plain", "text/csv", "application/xml", "application/x-ndjson")
LISTED: Final = 2
SELDOM: Final = {"idempotent-replayed"}
"""Headers of an answer to a request that was sent before."""
LONGEST_TEXT: Final = 2_000
"""A longer file is no example; its beginning is."""

_ID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_DIGEST: Final = re.compile(r"\b[0-9a-f]{64}\b")
_TOKEN: Final = re.compile(r"(?<![\w-])(?=[\w+-]*\d)(?=[\w+-]*[A-Z])[A-Za-z0-9_+-]{24,}=*")
"""What nobody can guess: keys, signatures and tokens, whatever stands before them."""


@dataclass
class Storyteller:
    """Does one operation after the other; the first success of each is its example."""

    person: TestClient
    examples: dict[str, Told] = field(default_factory=dict)
    places: dict[str, tuple[str, str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.places = {
            operation["operationId"]: (method.upper(), path, operation["responses"])
            for path, method, operation in operations(shared_document())
        }

    def __call__(
        self,
        name: str,
        body: Any = None,
        *,
        query: Any = None,
        **path: Any,
    ) -> Any:
        """Do an operation, which must succeed; what it answered."""
        method, template, described = self.places[name]
        answer = self.person.request(method, template.format(**path), params=query, json=body)
        assert answer.status_code < 300, f"{name}: {answer.status_code} {answer.text[:600]}"
        told_of = {one.lower() for one in described[str(answer.status_code)]["headers"]}
        assert told_of - SELDOM <= answer.headers.keys(), f"{name}: {answer.headers}"
        assert ("etag" in answer.headers) == ("etag" in told_of), f"{name}: {answer.headers}"
        self.examples.setdefault(name, _told(answer, body, query, path))
        return _read(answer)


def _read(answer: Response) -> Any:
    return answer.json() if _kind_of(answer) == JSON else None


def _kind_of(answer: Response) -> str:
    kind: str = answer.headers.get("content-type", "")
    return kind.partition(";")[0]


def _told(answer: Response, body: Any, query: Any, path: Mapping[str, Any]) -> Told:
    told: Told = {"status": answer.status_code}
    if path:
        told["path"] = dict(path)
    if query:
        told["query"] = dict(query)
    if body is not None:
        told["request"] = body
    kind = _kind_of(answer)
    if kind == JSON:
        told |= {"kind": kind, "answer": _shortened(answer.json())}
    elif kind in TEXTS:
        told |= {"kind": kind, "answer": answer.text[:LONGEST_TEXT]}
    return told


def _shortened(document: Any) -> Any:
    """A list shows its first rows."""
    if isinstance(document, dict) and isinstance(document.get("data"), list):
        return document | {"data": document["data"][:LISTED]}
    return document


def settle(examples: Mapping[str, Told]) -> dict[str, Told]:
    """The same examples with ids, digests and secrets that are the same in every run."""
    text = json.dumps(examples)
    for pattern, new in ((_ID, _id), (_DIGEST, _digest), (_TOKEN, _token)):
        known: dict[str, str] = {}
        for found in pattern.findall(text):
            known.setdefault(found, new(len(known) + 1))
        text = pattern.sub(partial(_replace, known), text)
    settled: dict[str, Told] = json.loads(text)
    return settled


def _replace(known: Mapping[str, str], found: re.Match[str]) -> str:
    return known[found.group()]


def _id(number: int) -> str:
    return f"019b76da-a800-7000-8000-{number:012x}"


def _digest(number: int) -> str:
    return f"{number:064x}"


def _token(number: int) -> str:
    return f"example-only-{number:04}"


def shape_of(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every place of a document with the kind of what stands there; rows of a list are one."""
    match value:
        case dict():
            for name, inner in value.items():
                yield from shape_of(inner, f"{place}.{name}")
        case list():
            for inner in value:
                yield from shape_of(inner, f"{place}[]")
        case bool() | None:
            yield place, type(value).__name__
        case int() | float():
            yield place, "number"
        case _:
            yield place, type(value).__name__
