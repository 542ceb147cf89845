"""A generated request as it goes over the wire."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

import httpx2
from schemathesis.core import NOT_SET

from tests.api.fuzz.callers import Headers
from tests.api.fuzz.cases import GeneratedCase, Operation
from tests.api.fuzz.variations import Variation
from tests.api.transport.bad_requests import write_json

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
CONDITIONS: Final = ("If-Match", "If-None-Match")
TURNS_AWAY: Final = ("Fluxrate-Organization", "Fluxrate-Numbers")
"""Generated ones end most requests before they have begun, or let nobody judge their answers."""
CREDENTIALS: Final = {"authorization", "cookie", "x-api-key"}
LONGEST_SHOWN: Final = 3_000


@dataclass
class Sender:
    """Sends requests, and remembers tags of what it saw, for conditions."""

    client: httpx2.Client
    chance: random.Random
    _tags: dict[str, str] = field(default_factory=dict)
    _keys: int = 0

    def send(
        self, operation: Operation, case: GeneratedCase, variation: Variation, headers: Headers
    ) -> httpx2.Response:
        """The answer to a varied request. ``case`` itself stays as it was generated."""
        example = operation.example
        path = _filled(case.path, variation.path_of(case.path_parameters))
        query = variation.query_of(case.query, example.get("query", {}))
        kind, content = self._body_of(operation, case, variation)
        own = {"Content-Type": kind} if kind else {}
        answer = self.client.request(
            operation.name.partition(" ")[0],
            path,
            params=query,
            content=content,
            headers=_sendable(self._generated(case, path) | own | headers),
        )
        if tag := answer.headers.get("etag"):
            self._tags[path] = tag
        return answer

    def _body_of(
        self, operation: Operation, case: GeneratedCase, variation: Variation
    ) -> tuple[str | None, bytes | None]:
        kinds = operation.described.get("requestBody", {}).get("content", {})
        if not kinds:
            return None, b"" if self.chance.random() < 0.9 else b"{}"
        generated = {} if case.body is NOT_SET else case.body
        if isinstance(generated, bytes):
            return case.media_type, generated
        body = variation.body_of(generated, operation.example.get("request"))
        if NDJSON in kinds and isinstance(body, list) and self.chance.random() < 0.3:
            return NDJSON, "\n".join(map(write_json, body)).encode()
        kind = JSON if self.chance.random() < 0.99 else "text/csv"
        content = write_json(body).encode()
        return kind, content if self.chance.random() < 0.99 else content[:-1]

    def _generated(self, case: GeneratedCase, path: str) -> Headers:
        """The headers that were generated, with conditions and keys that may hold."""
        headers = {
            name: value
            for name, value in case.headers.items()
            if isinstance(value, str) and name.casefold() not in CREDENTIALS
        }
        for name in CONDITIONS:
            if name in headers and self.chance.random() < 0.6:
                headers[name] = self._tags.get(path, "*")
        if "Idempotency-Key" in headers and self.chance.random() < 0.7:
            self._keys += self.chance.random() < 0.8
            headers["Idempotency-Key"] = f"key-{self._keys}"
        for name in TURNS_AWAY:
            if self.chance.random() < 0.9:
                headers.pop(name, None)
        return headers


def _filled(template: str, parameters: dict[str, Any]) -> str:
    """The path with its parameters, which never lead to another operation."""
    for name, value in parameters.items():
        text = str(value)
        written = text if "%" in text else quote(text, safe="")
        template = template.replace(f"{{{name}}}", written or "%20")
    return template


def _sendable(headers: Headers) -> dict[bytes, bytes]:
    """Those that HTTP can say at all."""
    return {
        name.encode(): value.strip().encode("latin-1", "replace")
        for name, value in headers.items()
        if name.isascii() and value.isprintable()
    }


def tell_request(answer: httpx2.Response) -> str:
    """The request that was answered, for whoever repeats it."""
    request = answer.request
    address = urlsplit(str(request.url))
    path = address.path + (f"?{address.query}" if address.query else "")
    own = {"content-type", "idempotency-key", "if-match", "if-none-match", "fluxrate-numbers"}
    headers = {name: value for name, value in request.headers.items() if name in own}
    body = request.content[:LONGEST_SHOWN].decode(errors="replace")
    return f"{request.method} {path} {headers or ''} {body}"
