"""Connections: what they take, what they never show, and how long a former secret holds."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from api.context import AppContext
from models.payments.connections import Connection
from services.payments.connections import open_accounts
from tests.api.people import Clock, Person

V1 = "/api/v1"
STRIPE = {
    "provider": "stripe",
    "name": "Stripe",
    "secret_key": "sk_test_51HarborHarbor",
    "webhook_secret": "whsec_harborharbor",
}
RAZORPAY = {
    "provider": "razorpay",
    "name": "Razorpay",
    "key_id": "rzp_test_harbor",
    "key_secret": "harborharbor",
    "webhook_secret": "lighthouse",
}
SANDBOX = {"provider": "sandbox", "name": "Sandbox"}


def connect(person: Person, body: dict[str, Any]) -> dict[str, Any]:
    answer = person.post(f"{V1}/connections", json=body)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def organization_of(person: Person) -> str:
    return str(person.get(f"{V1}/organization").json()["id"])


def accounts_of(context: AppContext, created: dict[str, Any]) -> list[dict[str, str]]:
    """The secrets that may prove a webhook now, the present ones first."""
    organization_id, connection_id = created["webhook_url"].split("tenant_")[1].split("/")
    key = (UUID(organization_id), UUID(connection_id))
    with context.transactions.for_organization(key[0]) as session:
        connection = session.get(Connection, key)
        assert connection is not None
        found = open_accounts(
            connection, context.security.sealer, public_url="https://here", now=context.now()
        )
    return [dict(one.secrets) for one in found]


@pytest.mark.parametrize("body", [STRIPE, RAZORPAY, SANDBOX], ids=lambda body: body["provider"])
def test_connection_says_where_webhooks_go_and_never_its_secrets(
    owner: Person, body: dict[str, Any]
) -> None:
    created = connect(owner, body)

    assert created["webhook_url"] == (
        f"http://127.0.0.1:8000{V1}/webhooks/{body['provider']}"
        f"/tenant_{organization_of(owner)}/{created['id']}"
    )
    shown = [
        owner.get(f"{V1}/connections").json()["data"],
        owner.get(f"{V1}/connections/{created['id']}").json(),
    ]
    assert shown == [[created], created]
    secrets = {value for name, value in body.items() if name not in {"provider", "name"}}
    everywhere = str(created) + owner.get(f"{V1}/audit").text
    assert [one for one in secrets if one in everywhere] == []
    assert "connection.created" in everywhere


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({**STRIPE, "secret_key": None}, "secret_key"),
        ({**STRIPE, "secret_key": "pk_test_51HarborHarbor"}, "secret_key"),
        ({**STRIPE, "webhook_secret": "lighthouse"}, "webhook_secret"),
        ({**STRIPE, "key_id": "rzp_test_harbor"}, "key_id"),
        ({**RAZORPAY, "key_secret": None}, "key_secret"),
        ({**SANDBOX, "secret_key": "sk_test_51HarborHarbor"}, "secret_key"),
    ],
)
def test_refused_secret_is_named_and_not_repeated(
    owner: Person, body: dict[str, Any], field: str
) -> None:
    refused = owner.post(f"{V1}/connections", json=body)

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_secret")
    assert refused.json()["errors"][0]["field"] == field
    assert not body[field] or body[field] not in refused.text


@pytest.mark.parametrize(("provider", "status"), [("paypal", 422), (None, 422), ("STRIPE", 201)])
def test_provider_is_one_that_there_is(owner: Person, provider: str | None, status: int) -> None:
    answer = owner.post(f"{V1}/connections", json={**STRIPE, "provider": provider})

    assert answer.status_code == status


def test_former_secret_proves_webhooks_for_a_day(
    owner: Person, context: AppContext, clock: Clock
) -> None:
    created = connect(owner, STRIPE)
    path = f"{V1}/connections/{created['id']}"

    rotated = owner.patch(path, json={"webhook_secret": "whsec_lighthouse"})

    assert rotated.status_code == 200
    assert rotated.json()["former_until"] == "2026-03-03T08:00:00Z"
    present, former = accounts_of(context, created)
    assert present["webhook_secret"] == "whsec_lighthouse"
    assert former["webhook_secret"] == STRIPE["webhook_secret"]
    assert present["secret_key"] == former["secret_key"] == STRIPE["secret_key"]
    clock.advance(hours=24)
    assert accounts_of(context, created) == [present]


def test_edit_of_the_name_rotates_nothing(owner: Person, context: AppContext) -> None:
    created = connect(owner, SANDBOX)
    [secrets] = accounts_of(context, created)

    edited = owner.patch(f"{V1}/connections/{created['id']}", json={"name": "Trials"}).json()

    assert edited == {**created, "name": "Trials"}
    assert accounts_of(context, created) == [secrets]
    refused = owner.patch(f"{V1}/connections/{created['id']}", json={"secret_key": "sk_test_51"})
    assert refused.status_code == 422


def test_deleted_connection_is_gone_for_people(owner: Person) -> None:
    created = connect(owner, SANDBOX)
    path = f"{V1}/connections/{created['id']}"

    assert owner.delete(path).status_code == 204

    assert owner.get(path).status_code == 404
    assert owner.get(f"{V1}/connections").json()["data"] == []
    assert owner.delete(path).status_code == 404
    assert owner.patch(path, json={"name": "Trials"}).status_code == 404
