"""Idempotency-Key: a repeated POST is answered again and done once (CONTRACT 5, 65)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api.context import AppContext
from repositories.idempotency import RequestName, try_lock_request
from tests.api.people import Clock, Person

CUSTOMERS = "/api/v1/customers"
HARBOR = {"name": "Harbor Labs", "email": "ap@harbor.test", "external_id": "acct_77"}


def post(
    person: Person, key: str, body: object = HARBOR, path: str = CUSTOMERS
) -> tuple[int, dict[str, Any]]:
    answer = person.post(path, json=body, headers={"Idempotency-Key": key})
    return answer.status_code, answer.json()


def organization_of(person: Person) -> UUID:
    return UUID(person.get("/api/v1/organization").json()["id"])


def count_customers(person: Person) -> int:
    return int(person.get(CUSTOMERS).json()["meta"]["total"])


def test_repeat_gets_the_first_answer_and_does_nothing(owner: Person) -> None:
    first = owner.post(CUSTOMERS, json=HARBOR, headers={"Idempotency-Key": "once"})

    second = owner.post(CUSTOMERS, json=HARBOR, headers={"Idempotency-Key": "once"})

    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert count_customers(owner) == 1


def test_same_body_without_a_key_is_done_again_and_collides(owner: Person) -> None:
    post(owner, "once")

    assert owner.post(CUSTOMERS, json=HARBOR).status_code == 409


def test_same_key_with_another_body_is_refused(owner: Person) -> None:
    post(owner, "once")

    status, problem = post(owner, "once", HARBOR | {"name": "Other"})

    assert (status, problem["code"]) == (422, "idempotency_key_reused")
    assert problem["errors"][0]["field"] == "Idempotency-Key"
    assert count_customers(owner) == 1


def test_same_key_on_another_route_is_another_request(owner: Person) -> None:
    post(owner, "once")

    status, _ = post(
        owner,
        "once",
        {"name": "Clock", "frozen_time": "2026-01-01T00:00:00Z"},
        "/api/v1/test-clocks",
    )

    assert status == 201


def test_same_key_of_another_organization_is_another_request(
    sign_up: Callable[[str], Person],
) -> None:
    mine, theirs = sign_up("Mine"), sign_up("Theirs")

    (_, first), (status, second) = post(mine, "once"), post(theirs, "once")

    assert status == 201
    assert first["id"] != second["id"]
    assert count_customers(theirs) == 1


def test_key_is_free_again_after_24_hours(owner: Person, clock: Clock) -> None:
    post(owner, "once")
    clock.advance(hours=23, minutes=59)
    owner.post("/api/v1/auth/refresh")
    assert post(owner, "once", HARBOR | {"name": "Other"})[0] == 422

    clock.advance(minutes=1)
    owner.post("/api/v1/auth/refresh")

    status, _ = post(owner, "once", HARBOR | {"external_id": "acct_78"})
    assert status == 201
    assert count_customers(owner) == 2


def test_refused_request_keeps_no_answer(owner: Person) -> None:
    taken = owner.post(CUSTOMERS, json=HARBOR).json()
    assert post(owner, "once")[0] == 409
    owner.delete(f"{CUSTOMERS}/{taken['id']}")

    assert post(owner, "once")[0] == 201


def test_effect_without_its_answer_collides_instead_of_happening_twice(
    owner: Person, context: AppContext
) -> None:
    post(owner, "once")

    with context.transactions.for_organization(organization_of(owner)) as session:
        session.execute(text("DELETE FROM idempotency_request"))

    assert post(owner, "once")[0] == 409
    assert count_customers(owner) == 1


def test_request_that_still_runs_is_a_conflict(owner: Person, context: AppContext) -> None:
    organization_id = organization_of(owner)
    name = RequestName(organization_id=organization_id, method="POST", path=CUSTOMERS, key="once")

    with context.transactions.for_organization(organization_id) as session:
        assert try_lock_request(session, name)
        status, problem = post(owner, "once")

    assert (status, problem["code"]) == (409, "idempotency_key_in_use")
    assert post(owner, "once")[0] == 201


def test_fifty_repeats_at_once_have_one_effect(app: FastAPI, owner: Person) -> None:
    key = owner.make_key("billing.write")
    headers = {"X-API-Key": key, "Idempotency-Key": "once"}

    def attempt(_: int) -> tuple[int, str | None]:
        answer = Person(app).post(CUSTOMERS, json=HARBOR, headers=headers)
        return answer.status_code, answer.json().get("id")

    with ThreadPoolExecutor(max_workers=8) as pool:
        answers = list(pool.map(attempt, range(50)))

    assert {status for status, _ in answers} <= {201, 409}
    assert len({identifier for status, identifier in answers if status == 201}) == 1
    assert count_customers(owner) == 1


def test_repeated_api_key_shows_no_secret_again(owner: Person, context: AppContext) -> None:
    body = {"name": "Worker", "scopes": ["usage.write"]}

    _, first = post(owner, "once", body, "/api/v1/api-keys")
    _, second = post(owner, "once", body, "/api/v1/api-keys")

    assert first["key"].startswith("sk_live_")
    assert second["id"] == first["id"]
    assert second.get("key") is None
    with context.transactions.for_organization(organization_of(owner)) as session:
        (stored,) = session.scalars(text("SELECT body FROM idempotency_request"))
    assert first["key"] not in stored


@pytest.mark.parametrize("key", ["", " ", "two words", "x" * 256], ids=len)
def test_malformed_key_is_refused_by_name(owner: Person, key: str) -> None:
    status, problem = post(owner, key)

    assert (status, problem["code"]) == (422, "invalid_idempotency_key")
    assert problem["errors"][0]["field"] == "Idempotency-Key"
    assert count_customers(owner) == 0


def test_longest_key_is_accepted(owner: Person) -> None:
    assert post(owner, "x" * 255)[0] == 201
