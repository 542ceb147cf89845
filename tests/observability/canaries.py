"""Secrets and personal data that are told from everything else, sent through every route."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final
from uuid import uuid4

import httpx2

from tests.api.credentials import Operation

MARK: Final = "zqcanaryqz"
"""In everything that somebody sends here and nobody may find elsewhere."""

OWN: Final = re.compile(f"{MARK}([0-9]+)", re.IGNORECASE)
DEEPEST: Final = 4


@dataclass(slots=True)
class Canaries:
    """Makes bodies of canaries, each with its request's number, and keeps what it was given."""

    document: Mapping[str, Any]
    numbers: Iterator[int] = field(default_factory=count)
    secrets: dict[str, str] = field(default_factory=dict)
    """What the product drew itself and showed once, by what it is."""

    def body(self, operation: Operation, number: int) -> Any:
        """A body as the document describes it, in which every text is a canary."""
        method, path = operation
        described = self.document["paths"].get(path, {}).get(method.lower(), {})
        content = described.get("requestBody", {}).get("content", {})
        schema: Mapping[str, Any] = next(
            (one["schema"] for one in content.values() if "schema" in one), {}
        )
        return self._value(schema, f"{MARK}{number}", DEEPEST)

    def _value(self, schema: Mapping[str, Any], mark: str, depth: int) -> Any:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self._value(self.document["components"]["schemas"][name], mark, depth)
        for words in ("anyOf", "oneOf", "allOf"):
            if words in schema:
                return self._value(schema[words][0], mark, depth)
        match schema.get("type"):
            case "object" if depth:
                known = {
                    name: self._value(one, mark, depth - 1)
                    for name, one in schema.get("properties", {}).items()
                }
                return (
                    known if schema.get("additionalProperties") is False else {**known, mark: mark}
                )
            case "array" if depth:
                return [self._value(schema.get("items", {}), mark, depth - 1)]
            case "integer" | "number":
                return 1
            case "boolean":
                return True
        return f"{mark}@{mark}.test" if schema.get("format") == "email" else mark

    def requests(
        self, operation: Operation, ids: Mapping[str, str]
    ) -> Iterator[tuple[int, str, dict[str, Any]]]:
        """Requests of an operation: number, path and what is sent, each worse than the last."""
        method, path = operation
        takes_body = method in {"POST", "PUT", "PATCH"}
        number = next(self.numbers)
        sent: dict[str, Any] = {"json": self.body(operation, number)} if takes_body else {}
        yield number, _fill(path, ids), sent
        number = next(self.numbers)
        mark = f"{MARK}{number}"
        named = {name: str(uuid4()) if name.endswith("_id") else mark for name in ids}
        yield (
            number,
            _fill(path, named),
            {
                "params": {mark: mark, "email": f"{mark}@{mark}.test"},
                **({"content": f'{{"{mark}": "{mark}'.encode()} if takes_body else {}),
                "headers": {
                    "Content-Type": "application/json",
                    "User-Agent": mark,
                    "Referer": mark,
                },
            },
        )
        number = next(self.numbers)
        mark = f"{MARK}{number}"
        yield (
            number,
            _fill(path, dict.fromkeys(ids, mark)),
            {
                "headers": {"X-API-Key": f"sk_live_{mark}", "Idempotency-Key": mark},
                **({"json": {mark: f"{mark}\n{mark}"}} if takes_body else {}),
            },
        )
        number = next(self.numbers)
        mark = f"{MARK}{number}"
        yield (
            number,
            _fill(path, dict.fromkeys(ids, str(uuid4()))),
            {
                "headers": {"Authorization": f"Bearer {mark}", "Cookie": f"access_token={mark}"},
            },
        )

    def found_in(self, place: str, text: bytes) -> list[str]:
        """What of all this stands in a text, with some words around it."""
        low = text.lower()
        found = [
            f"{place}: …{low[max(0, at.start() - 160) : at.end() + 60]!r}"
            for at in re.finditer(MARK.encode(), low)
        ][:5]
        return found + [
            f"{place}: the {what}"
            for what, secret in self.secrets.items()
            if secret.encode() in text
        ]


def foreign_numbers(text: str, number: int) -> set[str]:
    """The numbers of other requests whose canaries stand in an answer."""
    return {found for found in OWN.findall(text) if int(found) != number}


def secrets_in_cookies(client: httpx2.Client) -> dict[str, str]:
    """The session, as the browser has it."""
    return {f"cookie {cookie.name}": str(cookie.value) for cookie in client.cookies.jar}


def _fill(path: str, ids: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], str(uuid4())), path)
