"""The OpenAPI document and the page that shows it (CONTRACT 69)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pytest
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from api.document.operations import parameters
from tests.api.people import Person
from tests.api.shared_document import shared_document

PUBLIC = re.compile(
    r"/api/v1/auth/(signup|login|refresh|logout|accept-invitation|request-reset|reset)"
    r"|/api/v1/workers/health|/api/v1/webhooks/.*"
    r"|/verify/.*|/\.well-known/.*|/health|/livez|/readyz|/metrics|/status"
)


@pytest.fixture(scope="module")
def document(shared_app: FastAPI) -> dict[str, Any]:
    found: dict[str, Any] = Person(shared_app).get("/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(
    document: dict[str, Any],
) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in names)
    for path, method, operation in operations(document):
        assert operation["summary"], (method, path)
        assert operation["description"], (method, path)
        assert len(operation["tags"]) == 1, (method, path)


def test_every_tag_is_described(document: dict[str, Any]) -> None:
    described = {tag["name"] for tag in document["tags"]}

    used = {tag for _, _, operation in operations(document) for tag in operation["tags"]}

    assert used == described


def test_every_operation_that_is_not_public_names_its_credentials(
    document: dict[str, Any],
) -> None:
    for path, method, operation in operations(document):
        schemes = {scheme for choice in operation.get("security", ()) for scheme in choice}
        if PUBLIC.fullmatch(path):
            assert not schemes, (method, path)
        else:
            assert {"session", "bearer"} <= schemes, (method, path)
            assert re.search(r"Needs (the scope|a session)", operation["description"])


def test_every_operation_answers_errors_with_a_problem(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        refusals = {one: answer for one, answer in operation["responses"].items() if one >= "4"}
        assert {"400", "422", "500"} <= refusals.keys(), (method, path)
        refusals.pop("503" if path == "/readyz" else "", None)  # what it tells is no problem
        for status, answer in refusals.items():
            assert answer["content"] == {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }, (method, path, status)


def test_no_operation_answers_just_anything(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert all(status.isdecimal() for status in operation["responses"]), (method, path)


def test_idempotency_key_is_told_on_posts_that_take_it(document: dict[str, Any]) -> None:
    takers = {
        path
        for path, method, operation in operations(document)
        if any(one["name"] == "Idempotency-Key" for one in parameters(document, operation))
        and method == "post"
    }

    assert "/api/v1/customers" in takers
    assert "/api/v1/api-keys" in takers
    assert not {path for path in takers if path.startswith(("/api/v1/auth", "/api/v1/usage/batch"))}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    components = document["components"]

    references = set(re.findall(r'"#/components/([^/]+)/([^"]+)"', json.dumps(document)))

    assert all(name in components[kind] for kind, name in references)


def test_bodies_refuse_unknown_fields_on_paper_too(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        name = body.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if name:
            schema = document["components"]["schemas"][name]
            assert schema.get("additionalProperties") is False, (method, path)


def test_ingestion_routes_are_in_the_document(document: dict[str, Any]) -> None:
    known = {(path, method) for path, method, _ in operations(document)}

    assert ("/api/v1/sdk/track", "post") in known
    assert ("/api/v1/usage", "post") in known
    assert ("/api/v1/usage/batch", "post") in known
    assert ("/api/v1/usage", "get") in known
    assert len(known) > 60


def schemas_in(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from schemas_in(inner)


def test_document_says_nothing_about_our_notes(document: dict[str, Any]) -> None:
    assert not re.findall(r"[^\"]*\b(?:CONTRACT|docs/)[^\"]*", json.dumps(document))


def test_defaults_are_values_that_the_field_takes(document: dict[str, Any]) -> None:
    for schema in schemas_in(document):
        default = schema.get("default")
        if isinstance(default, str):
            assert len(default) >= schema.get("minLength", 0), schema
            assert re.search(schema.get("pattern", ""), default), schema
        if isinstance(default, int) and not isinstance(default, bool):
            assert schema.get("minimum", default) <= default <= schema.get("maximum", default)


def test_fields_of_an_edit_have_no_default_since_what_is_absent_stays(
    document: dict[str, Any],
) -> None:
    edits = {
        name: schema
        for name, schema in document["components"]["schemas"].items()
        if name.endswith("Patch")
    }

    assert {"OrganizationPatch", "PlanPatch", "MeterPatch", "CustomerPatch"} <= edits.keys()
    for name, schema in edits.items():
        for field, described in schema["properties"].items():
            assert "default" not in described, (name, field)


def test_example_of_tiers_ends_without_a_bound(document: dict[str, Any]) -> None:
    found = [
        example["tiers"]
        for schema in schemas_in(document)
        for example in schema.get("examples", ())
        if isinstance(example, dict) and "tiers" in example
    ]

    assert found
    assert all(tiers[-1] == {"up_to": None, "unit_price": 0.0005} for tiers in found)


def test_preview_of_a_plan_change_is_not_called_a_subscription(document: dict[str, Any]) -> None:
    path = "/api/v1/subscriptions/{subscription_id}/change-plan"
    content = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]

    assert [one["$ref"].rpartition("/")[2] for one in content["schema"]["anyOf"]] == [
        "Subscription",
        "PlanChangePreview",
    ]
    preview = document["components"]["schemas"]["PlanChangePreview"]
    amounts = ["subtotal", "coupons_total", "credits_total", "tax", "total", "amount_due"]
    assert preview["required"] == ["lines", *amounts]


def test_body_that_may_be_left_out_is_not_null(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for content in operation.get("requestBody", {}).get("content", {}).values():
            assert {"type": "null"} not in content["schema"].get("anyOf", ()), (method, path)


@pytest.mark.parametrize(
    ("parameter", "name"),
    [
        ("customer_id", "external_id"),
        ("plan_id", "lookup_id"),
        ("feature_id", "lookup_key"),
        ("meter_id", "meter_name"),
        ("invoice_id", "invoice_number"),
        ("plan_feature_id", "lookup_key"),
    ],
)
def test_paths_say_which_name_they_take(
    document: dict[str, Any], parameter: str, name: str
) -> None:
    described = [
        one
        for _, _, operation in operations(document)
        for one in parameters(document, operation)
        if one["in"] == "path" and one["name"] == parameter
    ]

    assert described
    for one in described:
        assert f"id or `{name}`" in one["description"]
        assert (one["schema"]["type"], "format" in one["schema"]) == ("string", False)


def test_document_is_made_once(app: FastAPI, visitor: Person) -> None:
    first = visitor.get("/openapi.json")
    with patch.object(JSONResponse, "render", side_effect=AssertionError("written again")):
        again = visitor.get("/openapi.json")

    assert (again.status_code, again.content) == (200, first.content)
    assert first.json() == app.openapi()
    assert app.openapi() is app.openapi()


def test_document_of_an_application_is_the_one_that_is_described_without_any(app: FastAPI) -> None:
    assert app.openapi() == shared_document()


def test_page_needs_no_other_host(visitor: Person) -> None:
    page = visitor.get("/docs")

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "http" not in page.text
    for address in re.findall(r'(?:src|href)="(/[^"]+)"', page.text):
        assert visitor.get(address).status_code == 200, address


@pytest.mark.parametrize(
    "path",
    [
        "/docs/",
        "/docs/docs.html",
        "/docs/../errors.py",
        "/docs/%2e%2e/errors.py",
        "/docs/LICENSE",
        "/redoc",
    ],
)
def test_page_gives_its_own_files_and_no_others(visitor: Person, path: str) -> None:
    assert visitor.get(path).status_code == 404


def test_file_of_the_page_is_not_named_by_the_query(visitor: Person) -> None:
    assert visitor.get("/docs/docs.js", params={"name": "x"}).status_code == 422
    assert visitor.get("/docs/docs.js").status_code == 200


def test_headers_are_told_wherever_they_hold(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        taken = {one["name"] for one in parameters(document, operation) if one["in"] == "header"}
        is_json = any("application/json" in one.get("content", ()) for one in answers_of(operation))
        assert "X-Request-Id" in taken, (method, path)
        assert ("Fluxrate-Numbers" in taken) == is_json, (method, path)
        assert ("Fluxrate-Organization" in taken) == bool(operation["security"]), (method, path)
        for status, answer in operation["responses"].items():
            told = answer["headers"].keys()
            assert "X-Request-Id" in told, (method, path, status)
            assert ("Retry-After" in told) == (status in {"429", "503"}), (method, path, status)
            is_first = "Idempotency-Key" in taken and status < "3"
            assert ("Idempotent-Replayed" in told) == is_first, (method, path, status)


def answers_of(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return list(operation["responses"].values())


def test_headers_are_told_once(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for one in operation["parameters"]:
            assert one.get("in") != "header", (method, path, one)
        for answer in answers_of(operation):
            assert all(one.keys() == {"$ref"} for one in answer["headers"].values())
