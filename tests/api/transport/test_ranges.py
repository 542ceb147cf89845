"""Numbers and dates at and beyond every edge: an answer that says so, never a failure here.

The table is made of the OpenAPI document, so that a new field is tried as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from api.app import create_app
from api.context import AppContext
from api.document.operations import parameters
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.security import Security
from tests.api.access.furnished import Ids, fill, furnish
from tests.api.credentials import Operation, least_credentials
from tests.api.people import PATIENT_SECONDS, Clock, Person
from tests.api.shared_document import shared_document
from tests.api.sold import V1, add_plan

INTEGERS = [
    *("-1", "0", "2147483648", "9223372036854775808", "1" + "0" * 400, "1.5", "1e3", "true"),
]
NUMBERS = [
    *("-1e29", "0", "1e30", "1e-20", "1e-21", "1e400", '"1e-400"', '" "', "NaN", "0." + "9" * 40),
]
INSTANTS = [
    *("0001-01-01", "0001-01-01T00:00:00+14:00", "1900-01-01", "9998-12-31T23:59:59Z"),
    *("9999-12-31", "9999-12-31T23:59:59-14:00", "2026-02-30", "0000-01-01", "10000-01-01"),
]
TEXTS = ["\\u0000", "\\ud800", "x" * 6000]

BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("post", f"{V1}/plans"): {
        "name": "Edge",
        "lookup_id": "edge",
        "type": "FIXED",
        "billing_interval": "month",
        "currency": "USD",
    },
    ("post", f"{V1}/plans/{{plan_id}}/charges"): {"type": "FIXED", "unit_price": 1},
    ("post", f"{V1}/customers"): {"name": "Edge", "email": "edge@edge.test"},
    ("post", f"{V1}/tax-rates"): {"name": "VAT", "country": "GB", "percentage": 20},
    ("post", f"{V1}/test-clocks"): {"name": "Edge", "frozen_time": "2026-01-01T00:00:00Z"},
    ("post", f"{V1}/test-clocks/{{test_clock_id}}/advance"): {
        "frozen_time": "2026-01-02T00:00:00Z"
    },
    ("post", f"{V1}/meters"): {"meter_name": "edge", "aggregation_type": "SUM"},
    ("post", f"{V1}/usage/{{event_id}}/amend"): {"quantity": 1},
    ("post", f"{V1}/subscriptions"): {
        "customer_id": "{customer_id}",
        "plan_id": "{flat_plan_id}",
        "start_date": "2026-03-01T00:00:00Z",
    },
    ("post", f"{V1}/plans/{{plan_id}}/features"): {
        "feature_id": "{feature_id}",
        "is_enabled": True,
    },
    ("post", f"{V1}/usage"): {
        "meter_id": "{meter_id}",
        "customer_id": "{customer_id}",
        "quantity": 1,
    },
    ("post", f"{V1}/usage/batch"): {
        "meter_id": "{meter_id}",
        "customer_id": "{customer_id}",
        "quantity": 1,
    },
    ("post", f"{V1}/invoices"): {
        "customer_id": "{customer_id}",
        "currency": "USD",
        "due_date": "2026-04-01T00:00:00Z",
        "line_items": [{"description": "Import", "quantity": 1, "unit_amount": 1}],
    },
    ("post", f"{V1}/invoices/{{invoice_id}}/credit-notes"): {
        "reason": "goodwill",
        "lines": [{"line_id": "{line_id}", "amount": 1}],
    },
    ("post", f"{V1}/subscriptions/{{subscription_id}}/change-plan"): {
        "plan_id": "{flat_plan_id}",
        "preview": True,
    },
}
"""What else a body needs; ids that it names are the organization's own."""


HERE = "\x01"
"""Stands for a value that is put in as it is written."""

OPERATIONS = list(least_credentials())


@pytest.fixture(scope="module")
def person(module_database_url: str, security: Security) -> Iterator[Person]:
    """The owner of an organization that has one thing of every kind."""
    engine = create_application_engine(module_database_url, pool_size=4)
    context = AppContext(
        transactions=Transactions(engine),
        security=security,
        now=Clock(),
        transaction_seconds=PATIENT_SECONDS,
    )
    with Person(create_app(context)) as owner:
        yield owner.sign_up("Edges")
    engine.dispose()


@pytest.fixture(scope="module")
def ids(person: Person) -> Ids:
    flat = add_plan(person, "flat", type="FIXED")
    return furnish(person) | {"flat_plan_id": flat["id"]}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return shared_document()


def kinds_of(schema: dict[str, Any]) -> set[str]:
    """Which edges a value of this schema has."""
    found = set()
    for one in (schema, *schema.get("anyOf", ())):
        if one.get("type") in {"integer", "number"}:
            found.add(one["type"])
        if one.get("format") == "date-time" or "2026-02-01" in str(one.get("examples", "")):
            found.add("instant")
        elif one.get("type") == "string" and not one.get("pattern") and "format" not in one:
            found.add("text")
    return found


def values_of(kinds: set[str]) -> list[str]:
    values = NUMBERS if "number" in kinds else INTEGERS if "integer" in kinds else []
    values = values + [f'"{one}"' for one in INSTANTS if "instant" in kinds]
    return values + [f'"{one}"' for one in TEXTS if "text" in kinds]


def fields_of(
    document: dict[str, Any], schema: dict[str, Any], before: str = ""
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The fields of a body, those of its objects and rows included."""
    name = schema.get("$ref", "").rpartition("/")[2]
    schema = document["components"]["schemas"].get(name, schema)
    for choice in schema.get("anyOf", ()):
        if "$ref" in choice or "properties" in choice or "items" in choice:
            yield from fields_of(document, choice, before)
    for name, field in schema.get("properties", {}).items():
        yield f"{before}{name}", field
        yield from fields_of(document, field, f"{before}{name}.")
    if "items" in schema:
        yield from fields_of(document, schema["items"], f"{before}0.")


def put(document: Any, place: list[str]) -> Any:
    """The document with a mark at this place."""
    if not place:
        return HERE
    name, *below = place
    if name == "0":
        return [put(document[0] if isinstance(document, list) and document else {}, below)]
    known = document if isinstance(document, dict) else {}
    return {**known, name: put(known.get(name), below)}


def cases_of(
    document: dict[str, Any], operation: Operation, ids: Ids
) -> Iterator[tuple[str, dict[str, str], bytes | None]]:
    """Every request of an operation with one value at or beyond an edge."""
    method, path = operation
    described = document["paths"][path][method.lower()]
    content = described.get("requestBody", {}).get("content", {}).get("application/json", {})
    fields = list(fields_of(document, content.get("schema", {})))
    body = json.loads(fill(json.dumps(BODIES.get((method.lower(), path), {})), ids))
    body = [body] if path.endswith("/batch") else body
    plain = json.dumps(body).encode() if content else None
    for parameter in parameters(document, described):
        for value in values_of(kinds_of(parameter["schema"])):
            text = json.loads(value) if value.startswith('"') else value
            text = text.encode("utf-8", "replace").decode()
            if parameter["in"] == "query":
                yield fill(path, ids), {parameter["name"]: text}, plain
            elif parameter["in"] == "path" and text.strip():
                yield fill(path, ids | {parameter["name"]: quote(text, safe="")}), {}, plain
    for place, schema in fields:
        if "usage_pricing_rules." in place:
            # Read as ``pricing`` of a charge is, which is tried below it.
            continue
        for value in values_of(kinds_of(schema)):
            marked = json.dumps(put(body, place.split("."))).replace(json.dumps(HERE), value)
            yield fill(path, ids), {}, marked.encode()


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_values_at_every_edge_are_answered(
    person: Person, document: dict[str, Any], ids: Ids, operation: Operation
) -> None:
    headers = {"Content-Type": "application/json"}
    failed = []
    for address, query, body in cases_of(document, operation, ids):
        answer = person.request(
            operation[0], address, params=query, content=body, headers=headers if body else None
        )
        if answer.status_code >= 500:
            failed.append((address, query, body and body[:300], answer.status_code))

    assert failed == []
