"""The types of the OpenAPI document: what generated clients and readers are made by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.api.shared_document import shared_document

Schema = dict[str, Any]

STATES = re.compile(r"status|kind|type|action|cause|role|verdict|result|operator|provider|scopes?")
IN_WORDS_OF_OTHERS = {
    "AuditEntry.action": "a word of the log, which any version may add to",
    "Dispute.status": "the provider's word",
    "Found.status": "the state of whatever was found",
    "GatewayEvent.type": "the provider's word",
    "Problem.type": "an address",
    "LoggedRequest.status": "a number",
    "Problem.status": "a number",
    "FailedRequests.status": "a number",
}
LEFT_OUT = {
    "CreatedApiKey": "has no secret when it is repeated",
    "SentInvitation": "has no link when it is repeated",
    "WebhookEndpointWithSecret": "has no secret when it is repeated",
    "PriceModel": "has the numbers of its model alone",
    "RecordedEvent": "says `duplicate` of a repeat alone",
    "RowResult": "has an id or an error",
    "Receipt": "of the first format says nothing of what is taken off",
    "RowError": "has a field or an event only where one is to blame",
}


@pytest.fixture(scope="module")
def document() -> Schema:
    return shared_document()


def operations(document: Schema) -> Iterator[tuple[str, Schema]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def answers(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    """What operations answer to what they have done, with its media type."""
    for name, operation in operations(document):
        for status, response in operation["responses"].items():
            if status.startswith("2") and status != "204":
                assert response.get("content"), (name, status)
                for kind, content in response["content"].items():
                    yield f"{name} {status}", kind, content["schema"]


def properties(document: Schema) -> Iterator[tuple[str, Schema]]:
    for component, schema in document["components"]["schemas"].items():
        for field, described in schema.get("properties", {}).items():
            yield f"{component}.{field}", described


def schemas_in(value: Any) -> Iterator[Schema]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from schemas_in(inner)


def reached(document: Schema, schemas: list[Schema]) -> set[str]:
    """The components that these are made of, however deep."""
    found: set[str] = set()
    waiting = schemas
    while waiting:
        named = {
            one["$ref"].rpartition("/")[2]
            for schema in waiting
            for one in schemas_in(schema)
            if "$ref" in one
        }
        waiting = [document["components"]["schemas"][name] for name in named - found]
        found |= named
    return found


def test_every_answer_has_a_type(document: Schema) -> None:
    for name, kind, schema in answers(document):
        if kind == "application/json":
            named = [one["$ref"] for one in schema.get("anyOf", [schema])]
            assert named, name
        else:
            assert schema["type"] == "string", (name, kind)


def test_every_property_is_described(document: Schema) -> None:
    silent = [name for name, described in properties(document) if not described.get("description")]

    assert silent == []


def test_every_component_is_named_for_readers(document: Schema) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert re.fullmatch(r"([A-Z][a-z0-9]*)+", name), name
        assert not name.endswith("View"), name
        assert schema.get("title", name) == name
        assert schema.get("description"), name


def test_nothing_is_an_object_of_unknown_shape_unless_it_says_so(document: Schema) -> None:
    for name, described in properties(document):
        for schema in schemas_in(described):
            if schema.get("type") == "object" and "properties" not in schema:
                assert schema.get("additionalProperties"), name
            if schema.get("additionalProperties") is True:
                assert "ree-form" in f"{described}", name


def test_every_state_is_one_of_those_that_there_are(document: Schema) -> None:
    components = document["components"]["schemas"]

    def is_known(schema: Schema) -> bool:
        if "$ref" in schema:
            return is_known(components[schema["$ref"].rpartition("/")[2]])
        inner = [*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else [])]
        return "enum" in schema or "const" in schema or any(map(is_known, inner))

    unknown = {
        name
        for name, described in properties(document)
        if STATES.fullmatch(name.partition(".")[2]) and not is_known(described)
    }

    assert unknown == IN_WORDS_OF_OTHERS.keys()


def test_what_an_answer_has_always_is_required(document: Schema) -> None:
    shown = [schema for _, kind, schema in answers(document) if kind == "application/json"]
    optional = {
        name
        for name in reached(document, shown)
        if (schema := document["components"]["schemas"][name]).get("properties", {}).keys()
        - set(schema.get("required", ()))
    }

    assert optional == LEFT_OUT.keys()


def test_numbers_are_taken_as_texts_too_and_given_as_numbers(document: Schema) -> None:
    components = document["components"]["schemas"]
    bodies = [
        content["schema"]
        for _, operation in operations(document)
        for content in operation.get("requestBody", {}).get("content", {}).values()
    ]
    taken = reached(document, bodies)
    given = reached(document, [schema for *_, schema in answers(document)])

    for name in taken:
        for field, schema in components[name].get("properties", {}).items():
            kinds = {one.get("type") for one in schemas_in(schema)}
            assert "number" not in kinds or "string" in kinds, (name, field)
    assert taken & given <= {name for name in given if "enum" in components[name]}


def test_defaults_are_of_their_type(document: Schema) -> None:
    root = {"components": document["components"]}

    for schema in schemas_in(document["components"]):
        if "default" in schema and not isinstance(schema["default"], dict):
            Draft202012Validator({**root, **schema}).validate(schema["default"])


def test_last_tier_says_that_it_has_no_end(document: Schema) -> None:
    for name in ("PriceTier", "PriceTierWrite", "LineTier"):
        tier = document["components"]["schemas"][name]
        assert {"type": "null"} in tier["properties"]["up_to"]["anyOf"]
        assert "up_to" in tier["required"]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("Invoice.total", "major units of the currency"),
        ("Invoice.due_date", "UTC"),
        ("InvoiceLine.usage_quantity", "in the meter's unit"),
        ("SubscriptionCreate.start_date", "UTC"),
        ("ChargeCreate.unit_price", "up to 30 decimal places"),
        ("MeterStatistics.today_usage", "in the organization's time zone"),
        ("EditedPlan.name", "The plan's name for people."),
        ("CustomerPatch.email", "Where invoices and reminders are sent."),
    ],
)
def test_properties_say_units_and_zones(document: Schema, field: str, words: str) -> None:
    assert words in dict(properties(document))[field]["description"]
