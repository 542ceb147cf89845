"""Pages of the reference that tell each operation, a page a topic: out of the document."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from textwrap import indent
from typing import Any, Final

from api.document.operations import Document, operations, parameters
from tests.docs.site.origins import page_of, tell_origins

FOLDER: Final = "operations"
ALONE: Final = {"Fluxrate-Numbers", "Fluxrate-Organization", "X-Request-Id", "If-None-Match"}
"""Headers that stand at every operation, and are told on the page of requests."""
LANGUAGES: Final = {"Shell": "bash", "Python": "py", "TypeScript": "ts"}
SAMPLES: Final = """!!! note "How the samples are run"
    In a shell `FLUXRATE_URL` is the installation's address, `FLUXRATE_KEY` an
    [API key](../../concepts/access.md), and `FLUXRATE_TOKEN` the access token of a session: the
    cookie `access_token` of signing in. `client` is that of the page on the client for
    [Python](../python.md) or [TypeScript](../typescript.md).
"""
LONGEST_ANSWER: Final = 40
"""Lines of an answer that are shown; the rest says nothing new."""


def file_of(topic: str) -> str:
    """The page's file: ``operations/tax-rates.md``."""
    return f"{FOLDER}/{page_of(topic)}"


def write_pages(document: Document) -> Mapping[str, str]:
    """The page of each topic by its file."""
    topics: dict[str, list[str]] = defaultdict(list)
    for path, method, operation in operations(document):
        told = "\n".join(_operation(document, path, method, operation))
        topics[operation["tags"][0]].append(told)
    return {
        file_of(tag["name"]): f"# {tag['name']}\n\n{tag['description']}\n\n{SAMPLES}\n"
        + "\n".join(topics[tag["name"]])
        for tag in document["tags"]
        if tag["name"] in topics
    }


def _operation(document: Document, path: str, method: str, operation: Document) -> Iterator[str]:
    yield f"## {operation['summary']}\n"
    yield f"`{method.upper()} {path}`\n"
    yield f"{_within(operation['description'])}\n"
    yield from _table("Parameters", _parameters(document, operation))
    yield from _table("Body", _body(document, operation))
    for sample in operation.get("x-codeSamples", ()):
        block = _block(sample["source"], LANGUAGES[sample["lang"]])
        yield f'=== "{sample["label"]}"\n\n{indent(block, "    ")}'
    yield from tell_origins(document, operation)
    yield from _answer(operation)
    yield from _refusals(operation)


def _table(title: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    if rows:
        lines = "\n".join(f"| `{name}` | {_in_cell(words)} |" for name, words in rows)
        yield f"| {title} | |\n|---|---|\n{lines}\n"


def _parameters(document: Document, operation: Document) -> list[tuple[str, str]]:
    return [
        (one["name"], one.get("description", ""))
        for one in parameters(document, operation)
        if one["name"] not in ALONE
    ]


def _body(document: Document, operation: Document) -> list[tuple[str, str]]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = content.get("schema", {})
    if schema.get("type") == "array":
        schema = schema["items"]
    name = schema.get("$ref", "").rpartition("/")[2]
    component: Document = document["components"]["schemas"].get(name, {})
    required = component.get("required", ())
    return [
        (field, f"{'**Required.** ' if field in required else ''}{told.get('description', '')}")
        for field, told in component.get("properties", {}).items()
    ]


def _answer(operation: Document) -> Iterator[str]:
    for status, answer in operation["responses"].items():
        for kind, content in answer.get("content", {}).items():
            if status < "3" and "example" in content:
                yield f"Answers {status}:\n"
                example: Any = content["example"]
                is_json = kind == "application/json"
                text = json.dumps(example, indent=2, ensure_ascii=False) if is_json else example
                yield _block(_shortened(str(text)), "json" if is_json else "text")


def _shortened(text: str) -> str:
    lines = text.splitlines()
    return text if len(lines) <= LONGEST_ANSWER else "\n".join([*lines[:LONGEST_ANSWER], "…"])


def _refusals(operation: Document) -> Iterator[str]:
    codes = {code for one in operation["responses"].values() for code in one.get("x-codes", ())}
    if codes:
        links = ", ".join(f"[`{code}`](../errors.md#{code})" for code in sorted(codes))
        yield f"Refused by {links}.\n"


def _block(text: str, kind: str) -> str:
    return f"```{kind}\n{text}\n```\n"


def _within(description: str) -> str:
    """The description without headings of its own."""
    return re.sub(r"^#+ ", "", description, flags=re.MULTILINE)


def _in_cell(words: str) -> str:
    return " ".join(words.split()).replace("|", "\\|")
