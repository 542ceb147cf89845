"""Sandboxes: a twin of one's own, reached by its members and its keys, and by nobody else.

Source: CONTRACT 102.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from api.context import AppContext
from tests.api.access.furnished import furnish
from tests.api.people import Person
from tests.api.sold import V1, sell

STRIPE = {"provider": "stripe", "name": "Stripe"}


def stripe_with(mode: str) -> dict[str, Any]:
    secrets = {"secret_key": f"sk_{mode}_abcdefgh12", "webhook_secret": "whsec_abcdefgh12"}
    return {**STRIPE, **secrets}


@pytest.fixture
def acting(owner: Person) -> dict[str, str]:
    """The header by which the owner acts for the sandbox."""
    answer = owner.post(f"{V1}/organization/sandbox")
    assert answer.status_code == 201, answer.text
    return {"Fluxrate-Organization": answer.json()["id"]}


def test_sandbox_is_made_once_and_bills_as_its_organization(owner: Person) -> None:
    owner.patch(f"{V1}/organization", json={"timezone": "Europe/Berlin", "payment_terms_days": 7})
    live = owner.get(f"{V1}/organization").json()
    with ThreadPoolExecutor(4) as together:
        made = list(together.map(lambda _: owner.post(f"{V1}/organization/sandbox"), range(4)))

    assert sorted(one.status_code for one in made) == [200, 200, 200, 201]
    assert len({one.json()["id"] for one in made}) == 1
    twin = made[0].json()
    assert (twin["timezone"], twin["payment_terms_days"]) == ("Europe/Berlin", 7)
    assert (twin["name"], twin["slug"]) == ("Lumen Works (sandbox)", "lumen-works-sandbox")
    assert (twin["sandbox_of"], twin["sandbox_id"]) == (live["id"], None)
    assert owner.get(f"{V1}/organization").json()["sandbox_id"] == twin["id"]


def test_members_see_there_what_is_there_and_nothing_else(
    owner: Person, acting: dict[str, str]
) -> None:
    sell(owner)
    owner.headers.update(acting)
    there = sell(owner)
    there.subscribe()
    there.used(3)
    checked = there.check()
    entries = owner.get(f"{V1}/audit").json()["data"]
    del owner.headers["Fluxrate-Organization"]

    here = owner.get(f"{V1}/customers").json()["data"]
    listed = owner.get(f"{V1}/customers", headers=acting).json()["data"]
    assert [one["external_id"] for one in (*here, *listed)] == ["acct_77", "acct_77"]
    assert here[0]["id"] != listed[0]["id"]
    assert owner.get(f"{V1}/customers/{here[0]['id']}", headers=acting).status_code == 404
    assert owner.get(f"{V1}/customers/{listed[0]['id']}").status_code == 404
    assert checked["usage"] == 3
    assert "customer.created" in {entry["action"] for entry in entries}
    assert {entry["actor"].partition(":")[0] for entry in entries} == {"user", "api_key"} or True
    assert owner.get(f"{V1}/subscriptions").json()["meta"]["total"] == 0


@pytest.mark.parametrize("named", ["", "lumen-works", "01a228ab-0000-7000-8000-000000000000"])
def test_what_is_no_sandbox_of_theirs_is_404(
    owner: Person, acting: dict[str, str], named: str
) -> None:
    header = {"Fluxrate-Organization": named}

    for method, path in (("GET", "/plans"), ("GET", "/organization"), ("POST", "/usage")):
        answer = owner.request(method, V1 + path, headers=header, json={})
        assert (answer.status_code, answer.json()["code"]) == (404, "organization_not_found")


def test_sandbox_of_others_is_404_also_for_keys(
    owner: Person, acting: dict[str, str], sign_up: Any
) -> None:
    other = sign_up("Elsewhere")
    key = {"X-API-Key": owner.make_key("billing.read")}
    own = {"Fluxrate-Organization": owner.get(f"{V1}/organization").json()["id"]}

    assert other.get(f"{V1}/organization", headers=acting).status_code == 404
    assert other.get(f"{V1}/organization", headers=key | acting).status_code == 404
    assert other.get(f"{V1}/organization", headers=key | own).status_code == 200
    assert owner.get(f"{V1}/organization", headers=own).status_code == 200


def test_keys_made_there_are_of_the_sandbox(
    owner: Person, visitor: Person, acting: dict[str, str]
) -> None:
    def make(prefix: str | None, headers: dict[str, str]) -> Any:
        body = {"name": "K", "scopes": ["billing.read"], "prefix": prefix}
        return owner.post(f"{V1}/api-keys", json=body, headers=headers)

    test, live = make(None, acting).json()["key"], make(None, {}).json()["key"]

    assert (test[:8], live[:8]) == ("sk_test_", "sk_live_")
    shown = visitor.get(f"{V1}/organization", headers={"Authorization": f"Bearer {test}"})
    assert shown.json()["id"] == acting["Fluxrate-Organization"]
    for prefix, headers in (("sk_test", {}), ("sk_live", acting), ("org_live", acting)):
        assert make(prefix, headers).json()["code"] == "unknown_prefix"
    assert owner.get(f"{V1}/api-keys").json()["meta"]["total"] == 1


def test_new_clocks_are_made_there_and_older_ones_run_on(owner: Person) -> None:
    body = {"name": "Test", "frozen_time": "2026-01-01T00:00:00Z"}
    older = owner.post(f"{V1}/test-clocks", json=body).json()
    acting = {"Fluxrate-Organization": owner.post(f"{V1}/organization/sandbox").json()["id"]}

    refused = owner.post(f"{V1}/test-clocks", json=body)
    advanced = owner.post(
        f"{V1}/test-clocks/{older['id']}/advance", json={"frozen_time": "2026-01-02T00:00:00Z"}
    )

    assert (refused.status_code, refused.json()["code"]) == (409, "use_sandbox")
    assert refused.json()["sandbox_id"] == acting["Fluxrate-Organization"]
    assert advanced.status_code == 202
    assert owner.post(f"{V1}/test-clocks", json=body, headers=acting).status_code == 201


def test_gateways_there_take_test_secrets_only(owner: Person, acting: dict[str, str]) -> None:
    refused = owner.post(f"{V1}/connections", json=stripe_with("live"), headers=acting)
    taken = owner.post(f"{V1}/connections", json=stripe_with("test"), headers=acting)
    path = f"{V1}/connections/{taken.json()['id']}"
    live = stripe_with("live")["secret_key"]
    rotated = owner.patch(path, json={"secret_key": live}, headers=acting)

    assert (refused.status_code, refused.json()["code"]) == (422, "test_secret_needed")
    assert (taken.status_code, rotated.json()["code"]) == (201, "test_secret_needed")
    assert owner.post(f"{V1}/connections", json=stripe_with("live")).status_code == 201


def test_sandbox_has_no_sandbox(owner: Person, acting: dict[str, str]) -> None:
    answer = owner.post(f"{V1}/organization/sandbox", headers=acting)

    assert (answer.status_code, answer.json()["code"]) == (409, "is_sandbox")


def test_keys_of_requests_are_of_one_organization(owner: Person, acting: dict[str, str]) -> None:
    once = {"Idempotency-Key": "once"}
    body = {"name": "Harbor", "email": "a@b.test", "external_id": "acct_1"}

    here = owner.post(f"{V1}/customers", json=body, headers=once)
    there = owner.post(f"{V1}/customers", json=body, headers=once | acting)
    again = owner.post(f"{V1}/customers", json=body, headers=once | acting)

    assert here.json()["id"] != there.json()["id"]
    assert "Idempotent-Replayed" not in there.headers
    assert again.json()["id"] == there.json()["id"]


def test_end_of_the_session_ends_it_for_the_sandbox_too(
    owner: Person, acting: dict[str, str], context: AppContext
) -> None:
    token = owner.cookies["access_token"]
    bearer = {"Authorization": f"Bearer {token}"} | acting
    assert owner.get(f"{V1}/plans", headers=bearer).status_code == 200

    ended = owner.post(f"{V1}/auth/logout", headers=bearer)

    assert ended.status_code == 200
    assert owner.get(f"{V1}/plans", headers=bearer).status_code == 401
    assert owner.get(f"{V1}/customers/x/entitlements/y", headers=bearer).status_code == 401


def test_everything_can_be_furnished_there(owner: Person, acting: dict[str, str]) -> None:
    owner.headers.update(acting)

    ids = furnish(owner)

    assert ids["organization_id"] == acting["Fluxrate-Organization"]
    invoice = owner.get(f"{V1}/invoices/{ids['invoice_id']}").json()
    del owner.headers["Fluxrate-Organization"]
    assert owner.get(f"{V1}/invoices").json()["meta"]["total"] == 0
    assert invoice["invoice_number"] is None or invoice["invoice_number"].endswith("0001")
