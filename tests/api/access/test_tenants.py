"""Two organizations over every operation: another one's things do not exist (CONTRACT 3).

What an operation answers to an id of somebody else must be what it answers to an id of nobody, and
nothing may change for the somebody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import CollectorRegistry

from api.app import create_app
from api.context import AppContext
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.security import Security
from tests.api.access.furnished import ADD_ON, MONTHLY, TOP_UP, V1, Ids, fill, furnish
from tests.api.credentials import Operation, least_credentials
from tests.api.people import Clock, Person

BODIES: dict[Operation, dict[str, Any]] = {
    ("POST", f"{V1}/plans/{{plan_id}}/charges"): {"type": "FIXED", "unit_price": 1},
    ("PATCH", f"{V1}/plans/{{plan_id}}/charges/{{charge_id}}"): {"status": "INACTIVE"},
    ("POST", f"{V1}/plans/{{plan_id}}/commitments"): {"amount": 1},
    ("POST", f"{V1}/plans/{{plan_id}}/preview-edit"): {"edit": {}},
    ("POST", f"{V1}/subscriptions/{{subscription_id}}/periods/{{period_index}}/skip"): {
        "reason": "agreed"
    },
    ("POST", f"{V1}/subscriptions/{{subscription_id}}/add-ons"): ADD_ON,
    ("PATCH", f"{V1}/subscriptions/{{subscription_id}}/add-ons/{{add_on_id}}"): {"quantity": 2},
    ("PATCH", f"{V1}/subscriptions/{{subscription_id}}"): {"threshold_amount": 50},
    ("PATCH", f"{V1}/invoices/{{invoice_id}}/status"): {"status": "OPEN"},
    ("POST", f"{V1}/test-clocks/{{test_clock_id}}/advance"): {
        "frozen_time": "2027-01-01T00:00:00Z"
    },
    ("POST", f"{V1}/usage/{{event_id}}/amend"): {"quantity": 1},
    ("POST", f"{V1}/customers/{{customer_id}}/account/write-off"): {"currency": "USD"},
    ("POST", f"{V1}/credits/holds/{{hold_id}}/settle"): {"amount": 1},
    ("POST", f"{V1}/customers/{{customer_id}}/grants"): {"unit": "USD", "amount": 1},
    ("POST", f"{V1}/customers/{{customer_id}}/coupons"): {"code": "SPRING"},
    ("POST", f"{V1}/customers/{{customer_id}}/top-up-rules"): TOP_UP,
    ("POST", f"{V1}/customers/{{customer_id}}/grant-rules"): MONTHLY,
    ("PATCH", f"{V1}/customers/{{customer_id}}/top-up-rules/{{rule_id}}"): {"enabled": False},
    ("PATCH", f"{V1}/members/{{member_id}}"): {"role": "billing"},
    ("POST", f"{V1}/customers/{{customer_id}}/erase"): {"confirm": "acct_77"},
}
"""Bodies that are good whatever the ids are; others are empty, or made by ``body_of``."""


def body_of(operation: Operation, own: Ids) -> dict[str, Any] | None:
    """A good body, whose ids are the caller's own."""
    method, path = operation
    if method not in {"POST", "PUT", "PATCH"}:
        return None
    if path.endswith("/change-plan"):
        return {"plan_id": own["plan_id"], "when": "now"}
    if path == f"{V1}/plans/{{plan_id}}/features":
        return {"feature_id": own["feature_id"], "is_enabled": True}
    if operation == ("POST", f"{V1}/invoices/{{invoice_id}}/credit-notes"):
        return {"reason": "goodwill", "lines": [{"line_id": own["line_id"], "amount": 1}]}
    if operation == ("POST", f"{V1}/invoices/{{invoice_id}}/payments"):
        return {"amount": 1}
    if operation == ("PUT", f"{V1}/invoices/{{invoice_id}}"):
        return {"due_date": "2027-01-01T00:00:00Z"}
    return BODIES.get(operation, {})


@pytest.fixture(scope="module")
def people(module_database_url: str, security: Security) -> Iterator[tuple[Person, Person]]:
    """The owners of two organizations."""
    engine = create_application_engine(module_database_url, pool_size=4)
    context = AppContext(transactions=Transactions(engine), security=security, now=Clock())
    other = replace(context, registry=CollectorRegistry())
    # An application each, since one serves from one event loop only.
    with Person(create_app(context)) as mine, Person(create_app(other)) as theirs:
        yield mine.sign_up("Mine"), theirs.sign_up("Theirs")
    engine.dispose()


@pytest.fixture(scope="module")
def mine(people: tuple[Person, Person]) -> Person:
    return people[0]


@pytest.fixture(scope="module")
def theirs(people: tuple[Person, Person]) -> Person:
    return people[1]


@pytest.fixture(scope="module")
def my_ids(mine: Person) -> Ids:
    return furnish(mine)


@pytest.fixture(scope="module")
def their_ids(theirs: Person) -> Ids:
    return furnish(theirs)


def everything_of(person: Person, ids: Ids) -> dict[str, str]:
    """What every operation that reads shows of an organization."""
    shown = {}
    for method, path in least_credentials():
        if method == "GET" and path.startswith(V1) and not path.endswith(("/audit", "/health")):
            answer = person.get(fill(path, ids))
            if answer.status_code == 200:
                shown[path] = answer.text
    assert len(shown) > 20
    return shown


SHARED = {"period_index", "version", "kind", "language", "provider"}
"""What stands in paths and is no id: the same means the same to everybody."""


def names_in(path: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", path))


WITH_IDS = [
    operation
    for operation, least in least_credentials().items()
    if least != "anybody" and names_in(operation[1]) - SHARED
]


def test_every_kind_of_id_is_tried(my_ids: Ids) -> None:
    named = {name for _, path in least_credentials() for name in names_in(path)}

    assert named == set(my_ids)


@pytest.mark.parametrize("operation", WITH_IDS, ids=" ".join)
def test_id_of_another_organization_is_an_id_of_nobody(
    mine: Person, my_ids: Ids, their_ids: Ids, operation: Operation
) -> None:
    method, path = operation
    body = body_of(operation, my_ids)
    nobody = {name: str(uuid4()) for name in their_ids} | {"period_index": "0", "version": "1"}

    answers = [mine.request(method, fill(path, ids), json=body) for ids in (their_ids, nobody)]

    assert [answer.status_code for answer in answers] == [404, 404], answers[0].text
    assert answers[0].json()["code"] == answers[1].json()["code"]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]


@pytest.mark.parametrize("operation", WITH_IDS, ids=" ".join)
def test_part_of_another_organization_below_a_thing_of_ones_own_is_of_nobody(
    mine: Person, my_ids: Ids, their_ids: Ids, operation: Operation
) -> None:
    method, path = operation
    names = re.findall(r"\{(\w+_id)\}", path)
    mixed = my_ids | {names[-1]: their_ids[names[-1]]}

    answer = mine.request(method, fill(path, mixed), json=body_of(operation, my_ids))

    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize(
    ("path", "foreign", "body"),
    [
        ("/subscriptions", "customer_id", {"start_date": "2026-03-01T00:00:00Z"}),
        ("/subscriptions", "plan_id", {"start_date": "2026-03-01T00:00:00Z"}),
        (
            "/invoices",
            "customer_id",
            {
                "currency": "USD",
                "due_date": "2026-04-01T00:00:00Z",
                "line_items": [{"description": "Import", "quantity": 1, "unit_amount": 1}],
            },
        ),
        ("/plans/{plan_id}/charges", "meter_id", {"type": "USAGE", "unit_price": 1}),
        ("/plans/{plan_id}/features", "feature_id", {"is_enabled": True}),
        ("/subscriptions/{subscription_id}/change-plan", "plan_id", {"when": "now"}),
        ("/plans/{plan_id}/price", "customer_id", {}),
        ("/plans/{plan_id}/preview-edit", "customer_id", {"edit": {}}),
        ("/customers", "test_clock_id", {"name": "Harbor", "email": "a@harbor.test"}),
        ("/usage", "customer_id", {"quantity": 1}),
        ("/usage", "meter_id", {"quantity": 1}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_foreign_id_in_a_body_is_not_found(
    mine: Person, my_ids: Ids, their_ids: Ids, path: str, foreign: str, body: dict[str, Any]
) -> None:
    own: dict[str, str] = {}
    if path in {"/subscriptions", "/usage"}:
        own = {name: my_ids[name] for name in ("customer_id", "plan_id", "meter_id")}
        own.pop("meter_id" if path == "/subscriptions" else "plan_id")

    answer = mine.post(
        f"{V1}{fill(path, my_ids)}", json={**body, **own, foreign: their_ids[foreign]}
    )

    assert answer.status_code == 404, answer.text


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/subscriptions", "customer_id"),
        ("/invoices", "customer_id"),
        ("/invoices", "subscription_id"),
        ("/customers", "test_clock_id"),
        ("/subscriptions", "test_clock_id"),
        ("/usage", "customer_id"),
        ("/usage", "meter_id"),
        ("/meters/{meter_id}/events", "customer_id"),
        ("/meters/{meter_id}/usage", "customer_id"),
    ],
)
def test_foreign_id_in_a_filter_is_not_found(
    mine: Person, my_ids: Ids, their_ids: Ids, path: str, name: str
) -> None:
    foreign = {**my_ids, name: their_ids[name]} if f"{{{name}}}" in path else my_ids

    answer = mine.get(f"{V1}{fill(path, foreign)}", params={name: their_ids[name]})

    assert answer.status_code == 404, answer.text


def test_names_are_free_in_each_organization(my_ids: Ids, their_ids: Ids) -> None:
    shared = {name for name in my_ids if my_ids[name] == their_ids[name]}

    assert shared == SHARED


def test_nothing_changed_for_the_other_organization(
    mine: Person, theirs: Person, my_ids: Ids, their_ids: Ids
) -> None:
    before = everything_of(theirs, their_ids)

    for operation in WITH_IDS:
        method, path = operation
        mine.request(method, fill(path, their_ids), json=body_of(operation, my_ids))

    assert everything_of(theirs, their_ids) == before
    assert "Mine" not in str(before)
