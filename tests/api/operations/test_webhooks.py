"""Endpoints and deliveries through the API: who may, what is shown, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from starlette.testclient import TestClient

from api.context import AppContext
from repositories.transactions import Transactions
from runtime.sealing import Sealer
from services.notifications.deliveries import spread_events
from services.notifications.endpoints import MOST
from tests.api.people import Person

V1 = "/api/v1"
ENDPOINTS = f"{V1}/webhook-endpoints"
DELIVERIES = f"{V1}/webhook-deliveries"
A_DAY = {"m": timedelta(days=1)}
BODY = {"url": "https://hooks.example.com/in", "events": ["invoice.paid", "invoice.created"]}


def create(person: TestClient, **values: Any) -> dict[str, Any]:
    answer = person.post(ENDPOINTS, json=BODY | values)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def a_delivery_of(person: Person, context: AppContext) -> dict[str, Any]:
    """What a draft was told by."""
    create(person)
    customer = person.post(
        f"{V1}/customers", json={"name": "H", "email": "h@h.test", "billing_address_country": "US"}
    ).json()
    invoice = {
        "customer_id": customer["id"],
        "currency": "USD",
        "due_date": "2026-04-01T00:00:00Z",
        "line_items": [{"description": "Set-up", "quantity": 1, "unit_amount": 25}],
    }
    assert person.post(f"{V1}/invoices", json=invoice).status_code == 201
    spread_events(context.transactions, now=context.now())
    (delivery,) = person.get(DELIVERIES).json()["data"]
    return dict(delivery)


def test_secrets_are_shown_once(owner: Person) -> None:
    made = create(owner)

    shown = owner.get(f"{ENDPOINTS}/{made['id']}").json()
    (listed,) = owner.get(ENDPOINTS).json()["data"]
    assert made["signing_secret"].startswith("whsec_")
    assert len(made["secret"]) >= 32
    assert shown == listed
    assert made == shown | {
        "secret": made["secret"],
        "signing_secret": made["signing_secret"],
    }
    assert shown["events"] == ["invoice.created", "invoice.paid"]
    assert shown["enabled"] is True


def test_a_repeated_request_shows_no_secret_again(owner: Person) -> None:
    headers = {"Idempotency-Key": "once"}
    first = owner.post(ENDPOINTS, json=BODY, headers=headers).json()
    again = owner.post(ENDPOINTS, json=BODY, headers=headers).json()

    assert again["id"] == first["id"]
    assert "secret" not in again
    assert "signing_secret" not in again


def test_secrets_are_sealed_in_the_database_for_their_row(
    owner: Person, transactions: Transactions, context: AppContext
) -> None:
    made = create(owner)
    other = create(owner)

    organization = owner.get(f"{V1}/organization").json()["id"]
    with transactions.for_organization(organization) as session:
        statement = text("SELECT id::text, sealed_secret FROM webhook_endpoint")
        sealed = {row.id: row.sealed_secret for row in session.connection().execute(statement)}
    assert made["secret"] not in sealed[made["id"]]
    place = f"webhook_endpoint/{organization}/{made['id']}"
    assert context.security.sealer.open(sealed[made["id"]], place=place) == made["secret"]
    with pytest.raises(Exception, match="No secret key opens"):
        context.security.sealer.open(sealed[other["id"]], place=place)


def test_what_an_earlier_key_sealed_is_opened_while_it_is_named() -> None:
    former, present = "former" * 8, "present" * 8
    sealed = Sealer(former).seal("a secret", place="here")

    assert Sealer(present, [former]).open(sealed, place="here") == "a secret"
    with pytest.raises(Exception, match="No secret key opens"):
        Sealer(present).open(sealed, place="here")


def test_rotation_gives_new_secrets(owner: Person) -> None:
    made = create(owner)

    rotated = owner.post(f"{ENDPOINTS}/{made['id']}/rotate-secret")

    assert rotated.status_code == 200
    assert rotated.json()["id"] == made["id"]
    assert rotated.json()["secret"] != made["secret"]
    assert rotated.json()["signing_secret"] != made["signing_secret"]


def test_an_edit_leaves_what_it_does_not_name(owner: Person) -> None:
    made = create(owner, description="Books")

    edited = owner.patch(f"{ENDPOINTS}/{made['id']}", json={"events": ["*"]}).json()

    assert (edited["events"], edited["url"]) == (["*"], BODY["url"])
    assert (edited["description"], edited["enabled"]) == ("Books", True)


def test_a_deleted_endpoint_is_gone(owner: Person) -> None:
    made = create(owner)

    assert owner.delete(f"{ENDPOINTS}/{made['id']}").status_code == 204

    assert owner.get(ENDPOINTS).json()["data"] == []
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate-secret")):
        answer = owner.request(method, f"{ENDPOINTS}/{made['id']}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "endpoint_not_found")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"events": []}, "no_events"),
        ({"events": ["invoice.lost"]}, "unknown_event"),
        ({"url": "http://hooks.example.com/"}, "invalid_url"),
        ({"url": "https://127.0.0.1/"}, "private_receiver"),
        ({"url": "https://2130706433/"}, "invalid_url"),
        ({"url": "https://169.254.169.254/latest"}, "private_receiver"),
    ],
)
def test_what_nobody_could_be_told_by_is_refused(
    owner: Person, values: dict[str, Any], code: str
) -> None:
    created = owner.post(ENDPOINTS, json=BODY | values)
    edited = owner.patch(f"{ENDPOINTS}/{create(owner)['id']}", json=values)

    for answer in (created, edited):
        assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_an_organization_has_so_many_endpoints_at_most(owner: Person) -> None:
    for _ in range(MOST):
        create(owner)

    refused = owner.post(ENDPOINTS, json=BODY)

    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_endpoints")


def test_other_organizations_do_not_exist_here(
    owner: Person, sign_up: Callable[[str], Person], context: AppContext
) -> None:
    stranger = sign_up("Strangers")
    delivery = a_delivery_of(owner, context)
    endpoint = f"{ENDPOINTS}/{delivery['endpoint_id']}"

    assert stranger.get(ENDPOINTS).json()["data"] == []
    assert stranger.get(DELIVERIES).json()["data"] == []
    for method, path in (
        ("GET", endpoint),
        ("PATCH", endpoint),
        ("DELETE", endpoint),
        ("POST", f"{endpoint}/rotate-secret"),
        ("POST", f"{DELIVERIES}/{delivery['id']}/replay"),
        ("GET", f"{DELIVERIES}?endpoint_id={delivery['endpoint_id']}"),
        ("GET", f"{DELIVERIES}?endpoint_id={uuid4()}"),
    ):
        body = {"enabled": False} if method == "PATCH" else None
        assert stranger.request(method, path, json=body).status_code == 404, path
    assert owner.get(endpoint).json()["enabled"] is True


def test_keys_need_the_scope(owner: Person, app: FastAPI, context: AppContext) -> None:
    delivery = a_delivery_of(owner, context)
    endpoint = f"{ENDPOINTS}/{delivery['endpoint_id']}"
    readers, writers, strangers = (
        {"X-API-Key": owner.make_key(scope)}
        for scope in ("billing.read", "billing.write", "usage.write")
    )
    visitor = Person(app)

    for path in (ENDPOINTS, DELIVERIES, endpoint):
        assert visitor.get(path).status_code == 401
        assert visitor.get(path, headers=strangers).status_code == 403
        assert visitor.get(path, headers=readers).status_code == 200
    replay = f"{DELIVERIES}/{delivery['id']}/replay"
    for path in (ENDPOINTS, f"{endpoint}/rotate-secret", replay):
        body = BODY if path == ENDPOINTS else None
        assert visitor.post(path, json=body, headers=readers).status_code == 403
        assert visitor.post(path, json=body, headers=writers).status_code < 300


def test_deliveries_are_filtered_by_endpoint_and_status(owner: Person, context: AppContext) -> None:
    delivery = a_delivery_of(owner, context)
    other = create(owner)

    def count(**query: str) -> int:
        return len(owner.get(DELIVERIES, params=query).json()["data"])

    assert (delivery["status"], delivery["attempts"]) == ("pending", 0)
    assert count(endpoint_id=delivery["endpoint_id"]) == 1
    assert count(endpoint_id=other["id"]) == 0
    assert (count(status="pending"), count(status="failed")) == (1, 0)
    assert owner.get(DELIVERIES, params={"status": "lost"}).status_code == 422


@pytest.mark.parametrize("newest_first", [False, True])
def test_every_delivery_is_listed_once_in_its_order_by_cursor_and_by_page(
    owner: Person, context: AppContext, *, newest_first: bool
) -> None:
    first = a_delivery_of(owner, context)
    organization_id = UUID(owner.get(f"{V1}/organization").json()["id"])
    for _ in range(4):
        assert owner.post(f"{DELIVERIES}/{first['id']}/replay").status_code == 202
        with context.transactions.for_organization(organization_id) as session:
            # A replay is repeated, not done again, within a minute.
            session.execute(text("UPDATE webhook_delivery SET created_at = created_at - :m"), A_DAY)
    query: dict[str, str | int] = {"newest_first": str(newest_first).lower(), "page_size": 2}
    whole = owner.get(DELIVERIES, params=query | {"page_size": 100}).json()

    parts: list[dict[str, Any]] = []
    after: dict[str, str | int] = {}
    while True:
        part = owner.get(DELIVERIES, params=query | after).json()
        parts += part["data"]
        if part["meta"]["next_cursor"] is None:
            break
        after = {"cursor": part["meta"]["next_cursor"]}

    assert [one["created_at"] for one in whole["data"]] == sorted(
        [one["created_at"] for one in whole["data"]], reverse=newest_first
    )
    assert len(whole["data"]) == 5
    assert parts == whole["data"]
    assert whole["meta"] | {"next_cursor": None} == whole["meta"]
    pages = [owner.get(DELIVERIES, params=query | {"page": n}).json() for n in (1, 2, 3, 4)]
    assert [one for page in pages for one in page["data"]] == whole["data"]
    assert [page["meta"]["total"] for page in pages] == [5] * 4
