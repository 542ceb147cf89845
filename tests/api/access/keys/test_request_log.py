"""What keys sent lately: found by whoever looks for what went wrong, and kept without names."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api.access import request_log
from api.context import AppContext, state_of
from repositories.accounts.request_log import Wanted, count_requests
from tests.api.people import Clock, Person
from tests.api.sold import add_feature, add_plan, post

V1 = "/api/v1"
ENTITLEMENTS = f"{V1}/customers/{{customer_id}}/entitlements"


def with_key(key: str, **more: str) -> dict[str, str]:
    return {"X-API-Key": key, **more}


def add_customer(owner: Person, external_id: str = "acct_77") -> dict[str, Any]:
    """Somebody who is billed."""
    body = {"name": "Harbor", "email": "ap@harbor.test", "external_id": external_id}
    return post(owner, "/customers", body)


def listed(owner: Person, **query: Any) -> list[dict[str, Any]]:
    """The rows that the owner is told."""
    answer = owner.get(f"{V1}/requests", params=query)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.json()["data"]
    return rows


def event(**more: object) -> dict[str, object]:
    return {"meter_name": "api_calls", "customer_external_id": "acct_77", "quantity": 1, **more}


def test_failed_request_is_told_by_its_key_code_and_field(owner: Person, visitor: Person) -> None:
    add_feature(owner)
    add_customer(owner)
    key = owner.make_key("usage.write")
    named = with_key(key, **{"X-Request-Id": "deploy-4711"})
    answer = visitor.post(f"{V1}/usage", json=event(quantity="many"), headers=named)
    assert answer.status_code == 422, answer.text

    [told] = listed(owner)

    [known] = owner.get(f"{V1}/api-keys").json()["data"]
    code = answer.json()["code"]
    assert (told["method"], told["path"], told["status"]) == ("POST", f"{V1}/usage", 422)
    assert (told["code"], told["fields"]) == (code, ["quantity"])
    assert (told["request_id"], told["alike"]) == ("deploy-4711", 1)
    assert (told["api_key_id"], told["api_key_name"]) == (known["id"], "Worker")
    assert told["at"] == "2026-03-02T08:00:00Z"
    assert told["milliseconds"] >= 0


def test_what_is_done_is_told_as_well_and_alike_requests_are_one_row(
    owner: Person, visitor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow the machine is, all of it is of one second.
    monkeypatch.setattr(request_log, "GATHER_SECONDS", 3600)
    add_feature(owner)
    add_customer(owner)
    key = owner.make_key("usage.write")
    for number in range(7):
        sent = event(idempotency_key=f"e{number}")
        assert visitor.post(f"{V1}/usage", json=sent, headers=with_key(key)).status_code == 201
    visitor.post(f"{V1}/usage", json=event(quantity="many"), headers=with_key(key))

    done = listed(owner, outcome="succeeded")

    [(path, status, code, alike)] = [
        (one["path"], one["status"], one["code"], one["alike"]) for one in done
    ]
    assert (path, status, code, alike) == (f"{V1}/usage", 201, None, 7)
    assert [one["status"] for one in listed(owner, outcome="failed")] == [422]


def test_names_bodies_and_queries_are_not_kept(
    owner: Person, visitor: Person, context: AppContext
) -> None:
    customer = add_customer(owner, "ada@quay.test")
    key = owner.make_key("billing.write")
    for place in ("ada@quay.test", customer["id"]):
        path = f"{V1}/customers/{place}/entitlements"
        assert visitor.get(path, headers=with_key(key)).status_code == 200
    made_up = {"name": "Ada Quay", "email": "ada@quay.test", "adas_secret": "hunter2"}
    assert visitor.post(f"{V1}/customers", json=made_up, headers=with_key(key)).status_code == 422
    visitor.get(f"{V1}/customers?q=ada@quay.test&ada=quay", headers=with_key(key))
    visitor.get(f"{V1}/customers/ada%2Fquay/entitlements", headers=with_key(key))

    rows = listed(owner)

    organization_id = UUID(owner.get(f"{V1}/organization").json()["id"])
    with context.transactions.for_organization(organization_id) as session:
        stored = session.scalar(text("SELECT string_agg(r::text, ' ') FROM logged_request AS r"))
    assert stored is not None
    assert all(word not in stored.lower() for word in ("quay", "adas", "hunter2", key.lower()))
    paths = {one["path"] for one in rows}
    assert {ENTITLEMENTS, f"{V1}/customers/{customer['id']}/entitlements"} <= paths


def test_key_that_ended_is_told_and_one_of_nobody_is_not(
    owner: Person, visitor: Person, clock: Clock
) -> None:
    key, short = owner.make_key("billing.read"), {"name": "Short", "scopes": ["billing.read"]}
    ends = post(owner, "/api-keys", short | {"expires_at": "2026-03-02T08:10:00Z"})["key"]
    [first, _] = owner.get(f"{V1}/api-keys").json()["data"]
    assert owner.delete(f"{V1}/api-keys/{first['id']}").status_code == 204
    clock.advance(minutes=11)
    for shown in (key, ends, "sk_live_" + "a" * 39):
        answer = visitor.get(f"{V1}/plans", headers=with_key(shown))
        assert answer.status_code == 401, answer.text
        assert answer.json()["detail"] == "The API key is not valid."

    told = listed(owner)

    assert {one["api_key_name"] for one in told} == {"Worker", "Short"}
    assert {(one["status"], one["code"]) for one in told} == {(401, "invalid_api_key")}
    assert [one["status"] for one in listed(owner, api_key_id=first["id"])] == [401]


def test_requests_are_filtered_and_turned_by_cursor(
    owner: Person, visitor: Person, clock: Clock
) -> None:
    key = owner.make_key("billing.write")
    plan = add_plan(owner)
    for path in ("plans", f"plans/{plan['id']}", "meters", "customers"):
        visitor.get(f"{V1}/{path}", headers=with_key(key))
        clock.advance(seconds=1)
        assert listed(owner) != []
    visitor.post(f"{V1}/plans", json={}, headers=with_key(key))

    def paths(**query: Any) -> list[str]:
        return [one["path"].removeprefix(f"{V1}/") for one in listed(owner, **query)]

    assert paths() == ["plans", "customers", "meters", f"plans/{plan['id']}", "plans"]
    assert paths(path=f"{V1}/plans/") == [f"plans/{plan['id']}"]
    assert paths(method="POST") == paths(code="invalid_input") == ["plans"]
    assert paths(until="2026-03-02T08:00:01Z") == ["plans"]
    assert paths(since="2026-03-02T08:00:03Z", outcome="SUCCEEDED") == ["customers"]
    assert paths(request_id="nothing-of-it") == []
    first = owner.get(f"{V1}/requests", params={"page_size": 3}).json()
    rest = paths(cursor=first["meta"]["next_cursor"])
    assert (first["meta"]["total"], rest) == (5, [f"plans/{plan['id']}", "plans"])
    assert owner.get(f"{V1}/requests?api_key_id={uuid4()}").status_code == 404
    assert owner.get(f"{V1}/requests?outcome=maybe").status_code == 422


def test_another_organization_is_told_nothing(owner: Person, app: FastAPI) -> None:
    stranger = Person(app).sign_up("Others")
    owner.get(f"{V1}/plans", headers=with_key(owner.make_key("billing.read")))

    assert listed(stranger) == []
    assert len(listed(owner)) == 1


def test_sessions_of_people_are_not_told(owner: Person) -> None:
    owner.get(f"{V1}/plans")

    assert listed(owner) == []


def test_rows_are_bounded_in_memory_and_in_the_database(
    owner: Person,
    visitor: Person,
    app: FastAPI,
    context: AppContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_log, "GATHER_SECONDS", 3600)
    monkeypatch.setattr(request_log, "MOST_PATHS_OF_ONE", 3)
    monkeypatch.setattr(request_log, "MOST_ROWS_OF_ONE", 4)
    monkeypatch.setattr(request_log, "KEPT_AGAIN_AFTER", 1)
    monkeypatch.setattr(request_log, "MOST_KEPT", 2)
    key = owner.make_key("billing.read")

    def send(count: int) -> None:
        for _ in range(count):
            visitor.get(f"{V1}/plans/{uuid4()}", headers=with_key(key))

    send(9)
    with_ids: list[int] = []
    by_route: list[int] = []
    for kind, slowest in state_of(app).request_log._gathered.items():
        (by_route if "{" in kind.path else with_ids).append(slowest.alike)
    assert (with_ids, by_route) == ([1, 1, 1], [6])
    assert len(listed(owner)) == 2
    send(1)
    assert len(listed(owner)) == 2


def test_rows_are_written_by_themselves_within_seconds(
    owner: Person, visitor: Person, context: AppContext
) -> None:
    visitor.get(f"{V1}/plans", headers=with_key(owner.make_key("billing.read")))
    organization_id = UUID(owner.get(f"{V1}/organization").json()["id"])

    def count() -> int:
        with context.transactions.for_organization(organization_id) as session:
            return count_requests(session, organization_id, Wanted(), at_most=10)

    ends_at = time.monotonic() + timedelta(minutes=3).total_seconds()
    while count() == 0:
        assert time.monotonic() < ends_at
        time.sleep(0.1)
    assert count() == 1


def test_what_failed_alike_is_one_problem_with_how_often_and_when(
    owner: Person, visitor: Person, clock: Clock
) -> None:
    key = with_key(owner.make_key("billing.read"))
    for _ in range(3):
        clock.advance(seconds=1)
        assert visitor.get(f"{V1}/plans/{uuid4()}", headers=key).status_code == 404
        listed(owner)
    assert visitor.get(f"{V1}/plans/studio", headers=key).status_code == 404
    assert visitor.post(f"{V1}/plans", json={}, headers=key).status_code == 403

    answer = owner.get(f"{V1}/requests/problems")
    narrowed = owner.get(f"{V1}/requests/problems", params={"code": "scope_missing"})

    plans, scopes = answer.json()["data"]
    assert (plans["method"], plans["path"], plans["status"], plans["code"], plans["requests"]) == (
        *("GET", f"{V1}/plans/{{id}}", 404, "plan_not_found", 4),
    )
    assert plans["first_at"] < plans["last_at"]
    assert plans["request_id"] in {
        one["request_id"] for one in listed(owner, code="plan_not_found")
    }
    assert narrowed.json()["data"] == [scopes]
    assert scopes["path"] == f"{V1}/plans"


def test_problems_of_another_organization_are_nobodys(
    owner: Person, sign_up: Callable[[str], Person]
) -> None:
    key = with_key(owner.make_key("billing.read"))
    assert owner.get(f"{V1}/plans/{uuid4()}", headers=key).status_code == 404

    assert sign_up("Elsewhere").get(f"{V1}/requests/problems").json()["data"] == []
