"""Writes what of the Python client is made of the document: models, parameters and resources.

openapi-python-client reads the document and names its types. The texts come from templates of ours,
since its own make two hundred files of code, and floats of numbers that must stay exact.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.list_property import ListProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from openapi_python_client.parser.properties.union import UnionProperty
from openapi_python_client.strings import safe_for_docstring

from clients.generator.document import Operation, operations
from clients.generator.places import GENERATOR, MADE, PACKAGE
from clients.generator.type_texts import TypeTexts, python_name

TEMPLATES = GENERATOR / "templates"
KEY = "idempotency_key"
PAGING = ("page", "cursor")
GIVEN_HEADERS = ("if_match",)
"""Which headers of an operation its callers give. Others the client sends by itself, and
``If-None-Match`` would be answered without a body."""


class Unreadable(Exception):
    """The document says something that the generator of clients does not understand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """What the template says of one operation."""

    operation: Operation
    places: Sequence[PropertyProtocol]
    query: Sequence[PropertyProtocol]
    headers: Sequence[PropertyProtocol]
    body: list[PropertyProtocol] | None
    rows: PropertyProtocol | None
    answer: str
    within: str | None
    item: str | None

    @property
    def given(self) -> list[PropertyProtocol]:
        """What is given by name, what must be given first."""
        named = [*(self.body or ()), *self.query, *self.headers]
        return sorted(named, key=lambda one: not one.required)

    @property
    def has_own_key(self) -> bool:
        """Whether the body carries the key by which a repeat is known."""
        return any(python_name(one) == KEY for one in self.body or ())

    @property
    def text(self) -> str:
        """What the method's docstring says."""
        # Its first sentence is the summary of the operation.
        text: str = self.operation.described["description"]
        return text.strip().replace("``", "`").replace("\\", "\\\\").replace('"""', "'''")


def write_python(document: dict[str, Any]) -> None:
    """The generated modules are those of the document.

    Raises:
        Unreadable: the document has something that no template is made for.
    """
    data = parse(document)
    texts = TypeTexts({one.class_info.name: one for one in data.models})
    methods = [read_method(one, data, texts) for one in operations(document)]
    resources: dict[str, list[Method]] = {}
    for method in methods:
        resources.setdefault(method.operation.resource, []).append(method)
    environment = make_environment(texts)
    models = [one for one in data.models if texts.free_form(one) is None]
    texts_of = {
        "models.py": render(
            environment, "models", data=data, models=models, told=told_events(document)
        ),
        "params.py": render(environment, "params", models=sent_models(methods, texts)),
        "resources.py": render(environment, "resources", resources=resources, is_async=False),
        "async_resources.py": render(environment, "resources", resources=resources, is_async=True),
    }
    for name in MADE:
        (PACKAGE / name).write_text(texts_of[name])
    paths = [str(PACKAGE / name) for name in MADE]
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length=100", "--quiet"]
    subprocess.run([*command, *paths], check=True)  # noqa: S603  our own formatter, our own files


def parse(document: dict[str, Any]) -> GeneratorData:
    """The document as openapi-python-client understands it. Raises Unreadable."""
    config = Config.from_sources(
        ConfigFile(literal_enums=True, docstrings_on_attributes=True, content_type_overrides={
            "application/pdf": "application/octet-stream",
            "application/xml": "application/octet-stream",
            "application/x-ndjson": "application/octet-stream",
        }),
        MetaType.NONE,
        document_source=Path(),
        file_encoding="utf-8",
        overwrite=True,
        output_path=PACKAGE,
    )  # fmt: skip
    data = GeneratorData.from_dict(document, config=config)
    if not isinstance(data, GeneratorData):
        raise Unreadable(str(data))
    trouble = [
        *data.errors,
        *chain.from_iterable(one.parse_errors for one in data.endpoint_collections_by_tag.values()),
    ]
    if trouble:
        raise Unreadable("; ".join(f"{one.header}: {one.detail}" for one in trouble))
    return data


def told_events(document: dict[str, Any]) -> dict[str, str]:
    """The model of what each webhook tells, by the name of the event."""
    bodies = {
        event: item["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        for event, item in document["webhooks"].items()
    }
    return {event: reference.rpartition("/")[2] for event, reference in bodies.items()}


def make_environment(texts: TypeTexts) -> Environment:
    """Where the templates are, and what they can say."""
    environment = Environment(  # noqa: S701  what is made is Python, not HTML
        loader=FileSystemLoader(TEMPLATES), trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {
        "answered": texts.answered,
        "sent": texts.sent,
        "named": python_name,
        "properties": texts.properties_of,
        "pascal": lambda text: "".join(part.capitalize() for part in text.split("_")),
        "wire": lambda one: one.name.get_untrusted_value(),
        "said": lambda text: safe_for_docstring(text).replace("``", "`") if text else "",
    }
    return environment


def render(environment: Environment, name: str, **values: object) -> str:
    """A template with its values."""
    return environment.get_template(f"{name}.py.jinja").render(**values)


def read_method(operation: Operation, data: GeneratorData, texts: TypeTexts) -> Method:
    """What the template needs of an operation."""
    endpoint = find_endpoint(operation, data)
    body = next((one.prop for one in endpoint.bodies), None)
    query: Sequence[PropertyProtocol] = endpoint.query_parameters
    answer, within, item = read_answer(endpoint, texts)
    if item is not None:
        query = [one for one in query if python_name(one) not in PAGING]
    return Method(
        operation=operation,
        places=endpoint.path_parameters,
        query=query,
        headers=[one for one in endpoint.header_parameters if python_name(one) in GIVEN_HEADERS],
        body=texts.properties_of(body) if isinstance(body, ModelProperty) else None,
        rows=None if isinstance(body, ModelProperty) else body,
        answer=answer,
        within=within,
        item=item,
    )


def find_endpoint(operation: Operation, data: GeneratorData) -> Endpoint:
    """The operation as openapi-python-client has read it."""
    return next(
        one
        for collection in data.endpoint_collections_by_tag.values()
        for one in collection.endpoints
        if one.method == operation.method and one.path == operation.path
    )


def read_answer(endpoint: Endpoint, texts: TypeTexts) -> tuple[str, str | None, str | None]:
    """The type of the answer, the envelope's key that it stands behind, and the items of pages."""
    good = next((one for one in endpoint.responses if not one.is_default()), None)
    if good is None or good.source["return_type"] == "None":
        return "None", None, None
    if good.source["return_type"] != "Any":
        return good.source["return_type"], None, None
    if isinstance(good.prop, ModelProperty):
        fields = {python_name(one): one for one in texts.properties_of(good.prop)}
        data = fields.get("data")
        if isinstance(data, ListProperty):
            item = texts.answered(data.inner_property)
            if "meta" in fields and fields.keys() == {"data", "meta"}:
                return texts.answered(good.prop), None, item
            if fields.keys() == {"data"}:
                return f"builtins.list[{item}]", "data", None
    return texts.answered(good.prop), None, None


def sent_models(methods: list[Method], texts: TypeTexts) -> list[ModelProperty]:
    """Models within what is sent, each once."""
    found: dict[str, ModelProperty] = {}
    waiting = [one for method in methods for one in [*method.given, *filter(None, [method.rows])]]
    while waiting:
        for model in models_in(waiting.pop(), texts):
            if model.class_info.name not in found:
                found[model.class_info.name] = model
                waiting += texts.properties_of(model)
    return [found[name] for name in sorted(found)]


def models_in(kind: PropertyProtocol, texts: TypeTexts) -> Iterator[ModelProperty]:
    """The models of which a type is made."""
    match kind:
        case UnionProperty():
            for one in kind.inner_properties:
                yield from models_in(one, texts)
        case ListProperty():
            yield from models_in(kind.inner_property, texts)
        case ModelProperty() if texts.free_form(kind) is None:
            yield kind
