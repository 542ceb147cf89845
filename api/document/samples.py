"""How each operation is called: by curl, and by the clients in Python and TypeScript.

Made of the operation's recorded example, so a sample sends what a run of the product has sent; a
test runs each sample and compares.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from keyword import iskeyword
from typing import Any, Final
from urllib.parse import quote, urlencode

from api.document.examples import Told, read_examples
from api.document.names import list_names
from api.document.operations import Document, operations
from api.document.sample_texts import call_text, python_value, snake, typescript_value

HOST: Final = "$FLUXRATE_URL"
BY_KEY: Final = "X-API-Key: $FLUXRATE_KEY"
BY_SESSION: Final = "Authorization: Bearer $FLUXRATE_TOKEN"
BY_COOKIE: Final = {"refresh_session": '-b "refresh_token=$FLUXRATE_REFRESH_TOKEN"'}
PAGING: Final = frozenset({"page", "cursor"})
PAGES: Final = ("PageOf", "CursorPageOf", "PartOf")
JSON: Final = "application/json"
NOTHING: Final = 204
WORDS_OF_TYPESCRIPT: Final = frozenset({"default", "delete", "enum", "export", "new", "switch"})

_PLACE: Final = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An operation with what its example sends."""

    path: str
    method: str
    operation: Document
    told: Told

    @property
    def places(self) -> list[Any]:
        """What stands in the path, in its order."""
        return [self.told["path"][name] for name in _PLACE.findall(self.path)]

    @property
    def query(self) -> Mapping[str, Any]:
        """The query; pages are turned by the clients themselves."""
        return {name: one for name, one in self.told.get("query", {}).items() if name not in PAGING}

    @property
    def answers_with(self) -> str:
        """The component that is answered, empty where it is none."""
        content = self.operation["responses"].get(str(self.told["status"]), {}).get("content", {})
        reference: str = content.get(JSON, {}).get("schema", {}).get("$ref", "")
        return reference.rpartition("/")[2]

    @property
    def answer(self) -> str:
        """What the answer is called, ``credit_note``; empty where it has no component."""
        return snake(self.answers_with)

    @property
    def item(self) -> str:
        """What an item of the list is called: pages of ``Invoices`` hold an ``invoice``."""
        plural = snake(self.answers_with.partition("Of")[2])
        return f"{plural[:-3]}y" if plural.endswith("ies") else plural.removesuffix("s")

    @property
    def is_list(self) -> bool:
        """Whether the clients answer with an iterator over its pages."""
        taken = {one["name"] for one in self.operation.get("parameters", ())}
        is_paged = bool(taken & PAGING) and self.method == "get"
        return is_paged and self.answers_with.startswith(PAGES)


def add_samples(document: Document) -> None:
    """Every operation that has an example says how it is called."""
    examples = read_examples()
    for path, method, operation in operations(document):
        told = examples.get(operation["operationId"])
        if told is not None:
            example = Example(path=path, method=method, operation=operation, told=told)
            operation["x-codeSamples"] = list(_samples(example))


def _samples(example: Example) -> Iterator[Document]:
    yield {"lang": "Shell", "label": "curl", "source": write_curl(example)}
    named = _names().get((example.method, example.path))
    if named is not None:
        yield {"lang": "Python", "label": "Python", "source": write_python(example, *named)}
        yield {
            "lang": "TypeScript",
            "label": "TypeScript",
            "source": write_typescript(example, *named),
        }


@cache
def _names() -> Mapping[tuple[str, str], tuple[str, str]]:
    """Resource and method of the clients, by method and path of the operation."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for resource, name, address in list_names():
        method, _, path = address.partition(" ")
        for whole in (path, f"/api/v1{path}"):
            found[method.lower(), whole] = resource, name
    return found


def write_curl(example: Example) -> str:
    """The request for a shell that knows the address and the credentials as variables."""
    path = _PLACE.sub(lambda one: quote(str(example.told["path"][one[1]]), safe=""), example.path)
    query = {name: _in_address(one) for name, one in example.told.get("query", {}).items()}
    url = f"{HOST}{path}" + (f"?{urlencode(query)}" if query else "")
    words = [f'curl "{url}"']
    if example.told.get("kind") == "application/pdf":
        words.append("-o document.pdf")
    if example.method == "post" and "request" not in example.told:
        words.append("-X POST")
    elif example.method not in ("get", "post"):
        words.append(f"-X {example.method.upper()}")
    words += _credentials(example.operation)
    if "request" in example.told:
        words.append('-H "Content-Type: application/json"')
        body = json.dumps(example.told["request"], indent=2, ensure_ascii=False)
        words.append(f"-d {shlex.quote(body)}")
    return " \\\n  ".join(words)


def _in_address(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _credentials(operation: Document) -> Iterator[str]:
    if operation["operationId"] in BY_COOKIE:
        yield BY_COOKIE[operation["operationId"]]
    elif operation["security"]:
        by_key = any("api_key" in scheme for scheme in operation["security"])
        yield f'-H "{BY_KEY if by_key else BY_SESSION}"'


def write_python(example: Example, resource: str, name: str) -> str:
    """The call of the Python client."""
    given = [python_value(one) for one in example.places]
    request = example.told.get("request", {})
    if isinstance(request, list):
        given.append(python_value(request))
        request = {}
    for key, one in {**request, **example.query}.items():
        given.append(f"{f'{key}_' if iskeyword(key) else key}={python_value(one)}")
    call = call_text(f"client.{resource}.{name}", given)
    if example.is_list:
        one = example.item
        return f"for {one} in {call}:\n    print({one})"
    answer = example.answer or _name_of_content(example, name)
    return f"{answer} = {call}" if answer else call


def _name_of_content(example: Example, name: str) -> str:
    """What is called as the method that gives it, such as ``pdf``; empty where nothing is given."""
    if example.told["status"] == NOTHING:
        return ""
    return "content" if iskeyword(name) or name in WORDS_OF_TYPESCRIPT else name


def write_typescript(example: Example, resource: str, name: str) -> str:
    """The call of the TypeScript client."""
    given = [typescript_value(str(one)) for one in example.places]
    if "request" in example.told:
        given.append(typescript_value(example.told["request"]))
    if example.query and example.is_list:
        given.append(typescript_value(example.query))
    elif example.query:
        if "requestBody" in example.operation and "request" not in example.told:
            given.append("undefined")
        given.append(typescript_value({"query": example.query}))
    call = call_text(f"client.{camel(resource)}.{camel(name)}", given, indent="  ")
    if example.is_list:
        one = camel(example.item)
        return f"for await (const {one} of {call}) {{\n  console.log({one});\n}}"
    answer = example.answer or _name_of_content(example, name)
    return f"const {camel(answer)} = await {call};" if answer else f"await {call};"


def camel(name: str) -> str:
    """``add_charge`` is ``addCharge``."""
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
