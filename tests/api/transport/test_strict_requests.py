"""What a route does not know it refuses, on every route of the document (CONTRACT 97)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI

from api.document.operations import operations, parameters
from tests.api.credentials import Operation, least_credentials
from tests.api.people import Person
from tests.api.shared_document import shared_document
from tests.api.sold import V1, Sold, sell

OPERATIONS = list(least_credentials())
JSON = {"Content-Type": "application/json"}
NO_OBJECTS = ["NaN", "Infinity", "1.5", "1e3", "7", "true", '"x"', "[]", '[{"a":1}]']

ACTIONS = [
    "/subscriptions/{subscription_id}/cancel",
    "/subscriptions/{subscription_id}/pause",
    "/subscriptions/{subscription_id}/resume",
    "/subscriptions/{subscription_id}/reactivate",
    "/subscriptions/{subscription_id}/preview-invoice",
    "/subscriptions/{subscription_id}/generate-invoice",
    "/subscriptions/{subscription_id}/change-plan",
    "/plans/{plan_id}/migrate",
]

EVENT_FORMS = {f"{V1}/usage", f"{V1}/usage/batch", f"{V1}/sdk/track"}
"""Their tests are those of ingestion."""


@pytest.fixture(scope="module")
def sold(shared_owner: Person) -> Sold:
    """What the actions below would change, if they ran."""
    return sell(shared_owner)


@pytest.fixture(scope="module")
def subscription(sold: Sold) -> dict[str, Any]:
    return sold.subscribe()


def written(path: str, value: str | None = None) -> str:
    """The path with an id in each place."""
    return re.sub(r"\{(\w+)\}", lambda _: value or str(uuid4()), path)


def leads_to(template: str, path: str) -> bool:
    """Whether a path may be one of the template's: a word may stand where an id is expected."""
    return re.fullmatch(re.sub(r"\{\w+\}", r"[^/]+", template), path) is not None


@pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)
def test_unknown_query_parameters_are_refused_and_named(
    shared_owner: Person, operation: Operation
) -> None:
    method, path = operation

    answer = shared_owner.request(method, written(path), params={"external_idd": "x", "Page": ""})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), answer.text
    assert [(one["in"], one["field"]) for one in answer.json()["errors"]] == [
        ("query", "Page"),
        ("query", "external_idd"),
    ]


def in_query(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every query parameter, with its method and path."""
    for path, method, operation in operations(document):
        for parameter in parameters(document, operation):
            if parameter["in"] == "query":
                yield method, path, parameter


def test_query_parameters_that_stand_twice_are_refused_and_named(owner: Person) -> None:
    known = list(in_query(shared_document()))

    assert len(known) > 50
    for method, path, parameter in known:
        assert "array" not in str(parameter["schema"]), (path, parameter)
        name = parameter["name"]
        answer = owner.request(method.upper(), written(path), params={name: ["1", "2"]})
        assert answer.status_code == 422, (path, name, answer.text)
        [error] = answer.json()["errors"]
        assert (error["field"], error["code"]) == (name, "repeated_parameter")
        assert error["detail"] == f"{name} takes one value, and stands here 2 times."


def test_list_of_customers_is_not_filtered_by_what_it_ignores(owner: Person) -> None:
    answer = owner.get(f"{V1}/customers", params={"external_id": "acct_77"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "external_id")


def filters(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Every query parameter that is an id, with its path."""
    for method, path, parameter in in_query(document):
        if method == "get" and '"uuid"' in str(parameter).replace("'", '"'):
            yield path, parameter["name"]


def test_filters_by_ids_of_nobody_are_not_found(owner: Person) -> None:
    sell(owner)
    found = list(filters(shared_document()))

    assert len(found) >= 8
    for path, name in found:
        below = path.replace("{meter_id}", "api_calls").replace("{customer_id}", "acct_77")
        answer = owner.get(below, params={name: str(uuid4())})
        assert answer.status_code == 404, (path, name, answer.text)
        assert answer.json()["errors"][0]["field"] == name


@pytest.mark.parametrize("path", sorted({path for _, path in OPERATIONS}))
def test_allow_names_the_methods_of_the_path(shared_app: FastAPI, path: str) -> None:
    methods = {method for method, known in OPERATIONS if leads_to(known, path)}
    expected = sorted(methods | ({"HEAD"} if "GET" in methods else set()))

    answer = Person(shared_app).request("TRACE", written(path))

    assert answer.status_code == 405
    assert answer.headers["Allow"] == ", ".join(expected)


@pytest.mark.parametrize("path", sorted(path for method, path in OPERATIONS if method == "GET"))
def test_head_answers_as_get_without_a_body(shared_owner: Person, path: str) -> None:
    address = written(path, "0")
    shown, answer = shared_owner.get(address), shared_owner.head(address)

    assert answer.status_code == shown.status_code
    assert answer.content == b""
    assert answer.headers["content-type"] == shown.headers["content-type"]


@pytest.mark.parametrize("path", ACTIONS)
@pytest.mark.parametrize("body", NO_OBJECTS)
def test_action_with_a_body_that_is_no_object_does_not_run(
    shared_owner: Person, subscription: dict[str, Any], path: str, body: str
) -> None:
    address = path.format(subscription_id=subscription["id"], plan_id="payg")

    answer = shared_owner.post(V1 + address, content=body.encode(), headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_body")
    shown = shared_owner.get(f"{V1}/subscriptions/{subscription['id']}").json()
    assert (shown["status"], shown["cancel_at_period_end"]) == ("ACTIVE", False)


# What a gateway sends is read once its signature was found right.
writes = pytest.mark.parametrize(
    "operation",
    [
        one
        for one in OPERATIONS
        if one[0] in {"PATCH", "PUT", "POST"} and "/webhooks/" not in one[1]
    ],
    ids=" ".join,
)


@writes
@pytest.mark.parametrize("body", ["NaN", "1.5", "[]", '"x"'])
def test_body_that_is_no_object_is_refused_everywhere(
    shared_owner: Person, operation: Operation, body: str
) -> None:
    method, path = operation

    answer = shared_owner.request(method, written(path), content=body.encode(), headers=JSON)

    assert answer.status_code == 422, answer.text


@writes
def test_fields_that_an_operation_does_not_have_are_refused_and_named_everywhere(
    shared_owner: Person, operation: Operation
) -> None:
    """By those that take no body, too: the reason of a void was lost without a word."""
    method, path = operation
    if path in EVENT_FORMS:
        pytest.skip("reads each form of an event itself")

    answer = shared_owner.request(method, written(path), json={"nobodys_field": 1})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), answer.text
    named = {(one["in"], one["field"]) for one in answer.json()["errors"]}
    assert ("body", "nobodys_field") in named, answer.text


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/customers", '{"name":"A","email":"a@a.test","name":"B"}', "name"),
        ("/customers", '{"name":"A","name":"A","email":"a@a.test"}', "name"),
        ("/meters", '{"filters":[{"property":"a","value":1,"value":2}]}', "value"),
        ("/usage", '{"quantity":1,"quantity":2}', "quantity"),
        ("/usage", '{"quantity" : 1, "quantity"\n:2}', "quantity"),
        ("/usage", '{"quantity":1,"timestamp":null,"quantity":2}', "quantity"),
        ("/usage", '{"quantity":1,"properties":{"a":[{"b":1,"b":1}]}}', "b"),
        ("/usage", '{"quantity":1,"properties":{"note":"\\":"},"quantity":1}', "quantity"),
        ("/sdk/track", '{"quantity":1,"quantity":1}', "quantity"),
    ],
)
def test_key_that_stands_twice_is_refused_and_named(
    shared_owner: Person, path: str, body: str, field: str
) -> None:
    answer = shared_owner.post(V1 + path, content=body.encode(), headers=JSON)

    assert (answer.status_code, answer.json()["code"]) == (422, "duplicate_key")
    assert answer.json()["errors"][0]["field"] == field


def test_row_with_a_key_twice_is_rejected_alone(owner: Person) -> None:
    sell(owner)
    good = '{"meter_name":"api_calls","customer_external_id":"acct_77","quantity":1}'
    bad = good.replace('"quantity":1', '"quantity":1,"quantity":2')
    for kind, body in (
        ("application/json", f"[{good},{bad},{good}]"),
        ("application/x-ndjson", f"{good}\n{bad}\n{good}"),
    ):
        answer = owner.post(
            f"{V1}/usage/batch", content=body.encode(), headers={"Content-Type": kind}
        ).json()

        assert (answer["accepted"], answer["rejected"]) == (2, 1)
        assert answer["results"][1]["error"]["code"] == "duplicate_key"


@pytest.mark.parametrize(
    "properties",
    [
        '{"a":null,"b":"null"}',
        '{"a" : "x\\" : y", "b":["\\":"]}',
        '{"text":"a: b, \\"c\\": d"}',
        '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}',
    ],
)
def test_what_only_looks_like_a_key_twice_is_recorded(owner: Person, properties: str) -> None:
    sell(owner)
    body = (
        '{"meter_name":"api_calls","customer_external_id":"acct_77","timestamp":null,'
        f'"quantity":1,"properties":{properties}}}'
    )

    answer = owner.post(f"{V1}/usage", content=body.encode(), headers=JSON)

    assert answer.status_code == 201, answer.text
