"""Commits that queued a message, or took access away, are told to every process; reads are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from api.context import AppContext
from repositories.accounts.api_keys import REVOCATIONS
from repositories.outbox import CHANNEL, WAKE_MESSAGE
from tests.api.people import Person
from tests.servers import superuser_url

LAST_WORD = "no more"


@pytest.fixture
def listener(context: AppContext) -> Iterator[psycopg.Connection[Any]]:
    """Another process's connection, which is told."""
    address = context.transactions.address.set(drivername="postgresql")
    plain = address.render_as_string(hide_password=False)
    with psycopg.connect(superuser_url(plain), autocommit=True) as connection:
        for channel in (CHANNEL, REVOCATIONS):
            connection.execute(f"LISTEN {channel}".encode())
        yield connection


def told(listener: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    """What was told since the last look: commits tell in their order, so all before this word."""
    listener.execute(f"NOTIFY {CHANNEL}, '{LAST_WORD}'".encode())
    found: list[tuple[str, str]] = []
    for one in listener.notifies(timeout=30):
        if one.payload == LAST_WORD:
            return found
        found.append((one.channel, one.payload))
    raise AssertionError("nothing is told any more")


def create(owner: Person, path: str, body: dict[str, Any]) -> str:
    answer = owner.post(f"/api/v1{path}", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_only_requests_that_queued_a_message_wake_relays(
    owner: Person, listener: psycopg.Connection[Any]
) -> None:
    customer = create(owner, "/customers", {"name": "Ada", "email": "ada@example.com"})
    body = {"name": "Pro", "lookup_id": "pro", "type": "FIXED", "billing_interval": "MONTH"}
    plan = create(owner, "/plans", {**body, "currency": "USD"})
    for path in ("/customers", "/plans", f"/customers/{customer}", "/audit", "/usage"):
        assert owner.get(f"/api/v1{path}").status_code == 200
    assert told(listener) == []

    subscription = {"customer_id": customer, "start_date": "2026-03-01T00:00:00Z"}
    create(owner, "/subscriptions", {**subscription, "plan_id": plan})

    assert told(listener) == [(CHANNEL, WAKE_MESSAGE)]
    owner.get("/api/v1/subscriptions")
    unknown = {**subscription, "plan_id": customer}
    refused = owner.post("/api/v1/subscriptions", json=unknown)
    assert (refused.status_code, told(listener)) == (404, [])


def test_revoked_key_is_told_once(owner: Person, listener: psycopg.Connection[Any]) -> None:
    key = create(owner, "/api-keys", {"name": "backend", "scopes": ["usage.write"]})
    assert told(listener) == []

    for _ in range(2):
        assert owner.delete(f"/api/v1/api-keys/{key}").status_code == 204

    assert told(listener) == [(REVOCATIONS, key)]


def test_ended_session_and_changed_role_are_told_once(
    owner: Person, listener: psycopg.Connection[Any]
) -> None:
    admin = owner.invite("admin")
    members = owner.get("/api/v1/members").json()["data"]
    user_id = next(one["id"] for one in members if one["email"] == admin.email)
    [ended] = admin.get("/api/v1/auth/sessions").json()["data"]
    assert told(listener) == []

    for _ in range(2):
        owner.patch(f"/api/v1/members/{user_id}", json={"role": "read_only"})
    assert told(listener) == [(REVOCATIONS, user_id)]

    admin.post("/api/v1/auth/logout")
    admin.post("/api/v1/auth/logout")
    assert told(listener) == [(REVOCATIONS, ended["id"])]


def test_removed_member_is_told_with_every_session(
    owner: Person, listener: psycopg.Connection[Any]
) -> None:
    admin = owner.invite("admin")
    members = owner.get("/api/v1/members").json()["data"]
    user_id = next(one["id"] for one in members if one["email"] == admin.email)
    [ended] = admin.get("/api/v1/auth/sessions").json()["data"]
    assert told(listener) == []

    owner.delete(f"/api/v1/members/{user_id}")

    assert sorted(told(listener)) == sorted([(REVOCATIONS, user_id), (REVOCATIONS, ended["id"])])
