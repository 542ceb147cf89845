"""The samples that the document shows, and what each is to send."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from api.document.examples import Told, read_examples
from api.document.operations import operations
from api.document.samples import PAGING
from clients.generator.document import print_document

Sent = dict[str, Any]
OURS = {"page_size": "100"}
"""What the clients ask for where nothing is said."""


def samples(language: str) -> Iterator[tuple[str, str, Told, str]]:
    """Name, method and path, example and source of each sample in a language."""
    document = print_document()
    for path, method, operation in operations(document):
        for sample in operation.get("x-codeSamples", ()):
            if sample["lang"] == language:
                name = operation["operationId"]
                yield name, f"{method.upper()} {path}", read_examples()[name], sample["source"]


def expected(address: str, told: Told) -> Sent:
    """What the example sends."""
    method, _, template = address.partition(" ")
    place = {name: quote(str(one), safe="") for name, one in told.get("path", {}).items()}
    query = {name: texts(one) for name, one in told.get("query", {}).items() if name not in PAGING}
    return {
        "method": method,
        "path": template.format(**place),
        "query": query,
        "body": told.get("request"),
    }


def texts(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def compared(sent: Sent, told: Sent) -> Sent:
    """What was sent, without what the clients add by themselves."""
    query = {name: one for name, one in sent["query"].items() if OURS.get(name) != one}
    body = sent["body"]
    if body == {} or (isinstance(body, str) and not body):
        body = told["body"] and body
    for row, known in zip(rows_of(body), rows_of(told["body"]), strict=False):
        if "idempotency_key" not in known:
            row.pop("idempotency_key", None)
    known_query = {name for name in told["query"] if OURS.get(name) == told["query"][name]}
    return sent | {"query": query | {name: OURS[name] for name in known_query}, "body": body}


def rows_of(body: Any) -> list[dict[str, Any]]:
    return body if isinstance(body, list) else [body] if isinstance(body, dict) else []


def asked(method: str, url: str, body: bytes | str) -> Sent:
    parts = urlsplit(url)
    return {
        "method": method,
        "path": parts.path,
        "query": dict(parse_qsl(parts.query)),
        "body": json.loads(body) if body else None,
    }


def typescript_program() -> str:
    """A program that runs each sample, and prints what it was about to send."""
    functions = "".join(
        f"  {name}: async () => {{\n{source}\n  }},\n"
        for name, _, _, source in samples("TypeScript")
    )
    program = Path(__file__).with_name("samples.ts").read_text()
    return re.sub(r"^ *// SAMPLES\n", lambda _: functions, program, flags=re.MULTILINE)
