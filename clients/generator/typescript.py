"""Writes what openapi-typescript reads, and the table of the TypeScript client's methods."""

from __future__ import annotations

import json
from typing import Any

from clients.generator.document import Operation, operations
from clients.generator.places import TYPESCRIPT

HEAD = """\
// Every operation by what it is about. Made of the API's document by `make clients`: do not edit.
import type { makeCalls } from "../calls.js";

export type Resources = ReturnType<typeof makeResources>;

export function makeResources({ call, list }: ReturnType<typeof makeCalls>) {
  return {
"""

EVENTS = """\
// What webhooks tell of. Made of the API's document by `make clients`: do not edit.
export const EVENTS = {names} as const;
"""


def write_typescript(document: dict[str, Any]) -> None:
    """The document lies where npm looks for it, and its operations are methods."""
    (TYPESCRIPT / "src" / "generated").mkdir(parents=True, exist_ok=True)
    (TYPESCRIPT / "openapi.json").write_text(json.dumps(document, indent=1))
    resources: dict[str, list[Operation]] = {}
    for operation in operations(document):
        resources.setdefault(operation.resource, []).append(operation)
    lines = [HEAD]
    for resource, methods in resources.items():
        lines.append(f"    {camel(resource)}: {{\n")
        lines += [f"{comment(one)}      {camel(one.name)}: {call_of(one)},\n" for one in methods]
        lines.append("    },\n")
    (TYPESCRIPT / "src" / "generated" / "resources.ts").write_text("".join([*lines, "  };\n}\n"]))
    (TYPESCRIPT / "src" / "generated" / "events.ts").write_text(
        EVENTS.format(names=json.dumps(list(document["webhooks"]), indent=2))
    )


def call_of(operation: Operation) -> str:
    """What makes the method: a list by its pages, or a call with or without a body."""
    path = json.dumps(operation.path)
    parameters = {one.get("name") for one in operation.described.get("parameters", ())}
    if operation.method == "get" and parameters & {"page", "cursor"} and is_page(operation):
        return f"list({path})"
    takes_body = ", true" if "requestBody" in operation.described else ""
    return f'call("{operation.method}", {path}{takes_body})'


def is_page(operation: Operation) -> bool:
    """Whether the answer is nothing but a page; some reports have totals beside it."""
    content = operation.described["responses"].get("200", {}).get("content", {})
    name = content.get("application/json", {}).get("schema", {}).get("$ref", "")
    return str(name).rpartition("/")[2].startswith(("PageOf", "CursorPageOf", "PartOf"))


def comment(operation: Operation) -> str:
    """What an editor shows of a method."""
    text = operation.described.get("description", operation.described["summary"])
    return f"      /** {text.splitlines()[0].replace('*/', '* /')} */\n"


def camel(name: str) -> str:
    """``advance_clock`` is ``advanceClock``."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
