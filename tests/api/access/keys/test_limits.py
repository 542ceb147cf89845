"""Keys that end by themselves, and keys that are good from some addresses alone."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.context import AppContext
from tests.api.access.furnished import organization_of
from tests.api.people import Clock, Person

V1 = "/api/v1"
KEYS = f"{V1}/api-keys"
ORGANIZATION = f"{V1}/organization"


def make(owner: Person, **limits: object) -> dict[str, str]:
    body = {"name": "K", "scopes": ["billing.read", "usage.write"], **limits}
    answer = owner.post(KEYS, json=body)
    assert answer.status_code == 201, answer.text
    return {"X-API-Key": answer.json()["key"]}


def at(app: FastAPI, address: str) -> Person:
    """Somebody whose requests come from an address."""
    person = Person(app)
    person.come_from(address)
    return person


def test_key_ends_at_its_instant_though_it_was_used_just_before(
    owner: Person, visitor: Person, clock: Clock
) -> None:
    key = make(owner, expires_at="2026-03-02T09:00:00+00:00")
    clock.advance(minutes=59, seconds=59)
    assert visitor.get(ORGANIZATION, headers=key).status_code == 200
    clock.advance(seconds=1)

    answer = visitor.get(ORGANIZATION, headers=key)

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_api_key")
    event = {"meter_name": "calls", "customer_external_id": "a", "quantity": 1}
    assert visitor.post(f"{V1}/usage", json=event, headers=key).status_code == 401


def test_key_that_would_be_over_already_is_not_made(owner: Person) -> None:
    for instant in ("2026-03-02T08:00:00Z", "2020-01-01T00:00:00Z"):
        answer = owner.post(KEYS, json={"name": "K", "scopes": ["read"], "expires_at": instant})
        assert (answer.status_code, answer.json()["code"]) == (422, "expiry_passed")
    assert owner.get(KEYS).json()["meta"]["total"] == 0


@pytest.mark.parametrize(
    ("allowed", "address", "status"),
    [
        ([], "203.0.113.9", 200),
        (["192.0.2.0/24"], "192.0.2.255", 200),
        (["192.0.2.0/24"], "192.0.3.0", 403),
        (["192.0.2.7"], "192.0.2.7", 200),
        (["192.0.2.7"], "192.0.2.8", 403),
        (["192.0.2.7"], "::ffff:192.0.2.7", 200),
        (["192.0.2.7"], "2001:db8::7", 403),
        (["2001:db8:1::/48"], "2001:db8:1:ffff::1", 200),
        (["2001:db8:1::/48"], "2001:db8:2::1", 403),
        (["10.0.0.0/8", "2001:db8::1"], "2001:db8::1", 200),
        (["10.0.0.0/8"], "testclient", 403),
        (["0.0.0.0/0", "::/0"], "203.0.113.9", 200),
    ],
)
def test_key_is_good_from_its_addresses_alone(
    owner: Person, app: FastAPI, allowed: list[str], address: str, status: int
) -> None:
    key = make(owner, allowed_addresses=allowed)

    answers = [at(app, address).get(ORGANIZATION, headers=key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [status] * 2
    if status == 403:
        assert answers[0].json()["code"] == "address_not_allowed"


def test_address_counts_on_the_ways_around_the_framework_too(owner: Person, app: FastAPI) -> None:
    key = make(owner, allowed_addresses=["192.0.2.0/24"])
    inside, outside = at(app, "192.0.2.1"), at(app, "203.0.113.9")
    event = {"meter_name": "calls", "customer_external_id": "a", "quantity": 1}
    # Known for a second from here on: the address is looked at all the same.
    assert inside.get(f"{V1}/plans", headers=key).status_code == 200

    for method, path in (("GET", "/plans"), ("POST", "/usage"), ("POST", "/usage/batch")):
        body = event if path == "/usage" else [event] if method == "POST" else None
        answer = outside.request(method, f"{V1}{path}", json=body, headers=key)
        assert (answer.status_code, answer.json()["code"]) == (403, "address_not_allowed"), path
        assert inside.request(method, f"{V1}{path}", json=body, headers=key).status_code != 403


@pytest.mark.parametrize(
    "block",
    [
        "",
        "192.0.2",
        "192.0.2.1/24",
        "192.0.2.0/33",
        "example.com",
        "::1/129",
        "10.0.0.0/8;",
        "0.0.0.0/0 ",
    ],
)
def test_what_is_no_block_is_named_by_its_place(owner: Person, block: str) -> None:
    body = {"name": "K", "scopes": ["read"], "allowed_addresses": ["192.0.2.0/24", block]}

    answer = owner.post(KEYS, json=body)

    if block.strip() == "0.0.0.0/0":
        assert answer.json()["allowed_addresses"] == ["192.0.2.0/24", "0.0.0.0/0"]
    else:
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "allowed_addresses.1"


def test_blocks_are_shown_as_they_count(owner: Person) -> None:
    make(owner, allowed_addresses=["192.0.2.7", " 2001:DB8::/32", "192.0.2.7/32"])

    [key] = owner.get(KEYS).json()["data"]

    assert key["allowed_addresses"] == ["192.0.2.7/32", "2001:db8::/32"]
    assert key["expires_at"] is None


@pytest.mark.parametrize(
    "change",
    [
        "expires_at = created_at",
        "allowed_addresses = '{example.com}'",
        "allowed_addresses = '{192.0.2.1/24}'",
        "allowed_addresses = array_fill('10.0.0.0/8'::text, '{51}')",
    ],
)
def test_database_holds_no_other_limits(owner: Person, context: AppContext, change: str) -> None:
    make(owner)
    _, organization_id = organization_of(owner)

    with (
        pytest.raises(DBAPIError, match=r"ck_api_key|invalid cidr|invalid input syntax"),
        context.transactions.for_organization(organization_id) as session,
    ):
        session.execute(text(f"UPDATE api_key SET {change}"))


def test_use_is_written_once_a_minute_however_many_requests_come(
    owner: Person, visitor: Person, clock: Clock, context: AppContext
) -> None:
    key = make(owner)
    seen = set()
    for _ in range(12):
        visitor.get(ORGANIZATION, headers=key)
        context.key_cache.forget(organization_of(owner)[1])
        context.key_cache._cached.clear()
        seen.add(owner.get(KEYS).json()["data"][0]["last_used_at"])
        clock.advance(seconds=10)

    assert seen == {"2026-03-02T08:00:00Z", "2026-03-02T08:01:10Z"}
