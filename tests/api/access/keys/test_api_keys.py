"""API keys: shown once, scoped, revoked at once (CONTRACT 2.3, 3.2, 7, 65)."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlmodel import select

from api.access.key_cache import KeyCache
from api.access.principal import Principal
from api.context import AppContext
from models.accounts.api_keys import ApiKey
from tests.api.people import Clock, Person

KEYS = "/api/v1/api-keys"
ORGANIZATION = "/api/v1/organization"


def with_key(key: str) -> dict[str, str]:
    return {"X-API-Key": key}


def test_key_is_shown_once_and_only_its_hash_is_stored(owner: Person, context: AppContext) -> None:
    answer = owner.post(KEYS, json={"name": "Ingest worker", "scopes": ["usage.write"]})

    assert answer.status_code == 201
    created = answer.json()
    assert created["name"] == "Ingest worker"
    assert created["scopes"] == ["usage.write"]
    assert created["status"] == "ACTIVE"
    assert created["created_at"] == "2026-03-02T08:00:00Z"
    key = created["key"]
    assert re.fullmatch(r"sk_live_[0-9A-Za-z]{39}", key)
    assert created["last_four"] == key[-4:]
    organization_id = UUID(owner.get(ORGANIZATION).json()["id"])
    with context.transactions.for_organization(organization_id) as session:
        stored = session.exec(select(ApiKey)).one()
    assert key not in str(stored.model_dump())
    assert key[8:-4] not in str(stored.model_dump())
    listed = owner.get(KEYS)
    assert listed.json()["meta"] == {"page": 1, "page_size": 20, "total": 1, "total_pages": 1}
    assert "key" not in listed.json()["data"][0]
    assert key not in listed.text


def test_documented_prefix_can_be_asked_for_and_works(owner: Person, visitor: Person) -> None:
    answer = owner.post(
        KEYS, json={"name": "Worker", "scopes": ["billing.read"], "prefix": "org_live"}
    )

    key = answer.json()["key"]
    assert key.startswith("org_live_")
    assert visitor.get(ORGANIZATION, headers=with_key(key)).status_code == 200


@pytest.mark.parametrize(
    ("asked", "stored"),
    [
        (["write"], ["usage.write"]),
        (["read"], ["usage.read"]),
        (["read", "usage.read", "Usage.Read"], ["usage.read"]),
        (
            ["billing.read", "BILLING.WRITE", "usage.write"],
            ["usage.write", "billing.write", "billing.read"],
        ),
    ],
)
def test_scopes_are_stored_under_their_full_names(
    owner: Person, asked: list[str], stored: list[str]
) -> None:
    answer = owner.post(KEYS, json={"name": "Worker", "scopes": asked})

    assert answer.json()["scopes"] == stored


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "  "),
        ("name", "x" * 501),
        ("name", 7),
        ("name", None),
        ("scopes", []),
        ("scopes", None),
        ("scopes", "usage.write"),
        ("scopes", ["usage.delete"]),
        ("scopes", [""]),
        ("scopes", [7]),
        ("scopes", [["usage.write"]]),
        ("scopes", ["usage.write"] * 21),
        ("prefix", "sk_test"),
        ("prefix", ""),
        ("prefix", 7),
        ("status", "ACTIVE"),
        ("key", "sk_live_mine"),
    ],
)
def test_bad_key_is_refused_by_field_and_not_stored(
    owner: Person, field: str, value: object
) -> None:
    answer = owner.post(KEYS, json={"name": "Worker", "scopes": ["usage.write"], field: value})

    assert answer.status_code == 422
    assert any(error["field"].startswith(field) for error in answer.json()["errors"])
    assert owner.get(KEYS).json()["meta"]["total"] == 0


def test_revoked_key_is_refused_at_once_and_stays_listed(owner: Person, visitor: Person) -> None:
    created = owner.post(KEYS, json={"name": "Worker", "scopes": ["billing.read"]}).json()
    headers = with_key(created["key"])
    assert visitor.get(ORGANIZATION, headers=headers).status_code == 200

    answer = owner.delete(f"{KEYS}/{created['id']}")

    assert answer.status_code == 204
    assert answer.content == b""
    refused = visitor.get(ORGANIZATION, headers=headers)
    assert refused.status_code == 401
    assert refused.json()["code"] == "invalid_api_key"
    assert [key["status"] for key in owner.get(KEYS).json()["data"]] == ["REVOKED"]
    assert owner.delete(f"{KEYS}/{created['id']}").status_code == 204


def test_unknown_and_malformed_ids_of_keys(owner: Person) -> None:
    assert owner.delete(f"{KEYS}/{uuid4()}").status_code == 404
    assert owner.delete(f"{KEYS}/not-an-id").status_code == 422


def test_another_organization_neither_sees_nor_revokes_a_key(app: FastAPI, owner: Person) -> None:
    stranger = Person(app).sign_up("Another")
    created = owner.post(KEYS, json={"name": "Worker", "scopes": ["billing.read"]}).json()

    assert stranger.get(KEYS).json()["data"] == []
    assert stranger.delete(f"{KEYS}/{created['id']}").status_code == 404

    assert owner.get(ORGANIZATION, headers=with_key(created["key"])).status_code == 200


@pytest.mark.parametrize(
    ("scopes", "method", "path", "status"),
    [
        (["billing.read"], "GET", ORGANIZATION, 200),
        (["billing.write"], "GET", ORGANIZATION, 200),
        (["usage.write", "usage.read"], "GET", ORGANIZATION, 403),
        (["billing.write"], "PATCH", ORGANIZATION, 403),
        (["billing.write"], "GET", KEYS, 403),
        (["billing.write"], "POST", KEYS, 403),
        (["billing.write"], "GET", "/api/v1/customers", 200),
        (["billing.read"], "POST", "/api/v1/customers", 403),
        (["usage.write"], "GET", "/api/v1/customers", 403),
    ],
)
def test_scopes_reach_as_far_as_they_say(
    owner: Person, visitor: Person, scopes: list[str], method: str, path: str, status: int
) -> None:
    key = owner.make_key(*scopes)

    answer = visitor.request(method, path, headers=with_key(key), json={})

    assert answer.status_code == status


@pytest.mark.parametrize(
    "key",
    [
        "",
        " ",
        "sk_live_",
        "sk_live_000000000000000000000000000000000000000",
        "org_live_9fQ2",
        "x" * 10_000,
        "sk_live_' OR 1=1 --",
    ],
)
def test_bad_keys_are_refused_even_beside_a_good_cookie(owner: Person, key: str) -> None:
    answer = owner.get(ORGANIZATION, headers=with_key(key))

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_key_with_one_letter_changed_is_refused(owner: Person, visitor: Person) -> None:
    key = owner.make_key("billing.read")
    changed = key[:10] + ("a" if key[10] != "a" else "b") + key[11:]

    assert visitor.get(ORGANIZATION, headers=with_key(changed)).status_code == 401


def test_use_of_a_key_is_remembered_to_the_minute(
    owner: Person, visitor: Person, clock: Clock
) -> None:
    key = owner.make_key("billing.read")
    assert owner.get(KEYS).json()["data"][0]["last_used_at"] is None
    clock.advance(seconds=10)

    visitor.get(ORGANIZATION, headers=with_key(key))

    assert owner.get(KEYS).json()["data"][0]["last_used_at"] == "2026-03-02T08:00:10Z"


def test_repeated_creation_under_an_idempotency_key_shows_no_secret(owner: Person) -> None:
    headers = {"Idempotency-Key": "make-worker-key"}
    body = {"name": "Worker", "scopes": ["usage.write"]}
    first = owner.post(KEYS, json=body, headers=headers)

    second = owner.post(KEYS, json=body, headers=headers)

    assert first.status_code == second.status_code == 201
    assert second.json() == {name: value for name, value in first.json().items() if name != "key"}
    assert owner.get(KEYS).json()["meta"]["total"] == 1


@pytest.mark.parametrize(
    ("role", "status"),
    [("owner", 201), ("admin", 201), ("billing", 403), ("developer", 403), ("read_only", 403)],
)
def test_keys_are_made_by_owners_and_admins(owner: Person, role: str, status: int) -> None:
    answer = owner.invite(role).post(KEYS, json={"name": "Worker", "scopes": ["usage.write"]})

    assert answer.status_code == status


def test_cached_keys_are_trusted_for_a_second_and_no_longer() -> None:
    seconds = [100.0]
    known = KeyCache(clock=lambda: seconds[0])
    principal = Principal(organization_id=uuid4(), api_key_id=uuid4())
    known.put("hash", principal, revocations=known.revocations)

    seconds[0] = 100.9
    assert known.find("hash") is principal
    seconds[0] = 101.0
    assert known.find("hash") is None


def test_key_revoked_while_it_was_looked_up_is_not_trusted() -> None:
    known = KeyCache()
    principal = Principal(organization_id=uuid4(), api_key_id=uuid4())
    before = known.revocations

    known.forget(principal.api_key_id or uuid4())
    known.put("hash", principal, revocations=before)

    assert known.find("hash") is None
