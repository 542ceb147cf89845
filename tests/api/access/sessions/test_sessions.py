"""Sessions: tokens run out, are renewed, and end (CONTRACT 3.1, 63)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlmodel import select

from api.context import AppContext
from models.accounts.users import UserSession
from tests.api.access.logging_in import cookies_of, credentials
from tests.api.people import Clock, Person

LOG_IN = "/api/v1/auth/login"
REFRESH = "/api/v1/auth/refresh"
LOG_OUT = "/api/v1/auth/logout"
ORGANIZATION = "/api/v1/organization"


def with_refresh_token(app: FastAPI, token: str | None) -> Person:
    person = Person(app)
    person.cookies.set("refresh_token", token or "")
    return person


def test_access_token_runs_out_after_15_minutes_and_is_renewed(owner: Person, clock: Clock) -> None:
    token = owner.cookies["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    clock.advance(minutes=14, seconds=59)
    assert owner.get(ORGANIZATION, headers=bearer).status_code == 200
    clock.advance(seconds=1)
    assert owner.get(ORGANIZATION, headers=bearer).status_code == 401

    answer = owner.post(REFRESH)

    assert answer.status_code == 200
    assert set(cookies_of(answer)) == {"access_token", "refresh_token"}
    assert owner.get(ORGANIZATION).status_code == 200


def test_session_ends_a_week_after_its_last_refresh(owner: Person, clock: Clock) -> None:
    token = owner.cookies["refresh_token"]
    clock.advance(days=7)

    answer = owner.post(REFRESH, headers={"Cookie": f"refresh_token={token}"})

    assert answer.status_code == 401


def test_session_ends_after_30_days_however_often_it_is_refreshed(
    owner: Person, clock: Clock
) -> None:
    for _ in range(4):
        clock.advance(days=6)
        answer = owner.post(REFRESH)
        assert answer.status_code == 200
    clock.advance(days=5)
    last = owner.post(REFRESH)
    clock.advance(days=1)

    assert "Max-Age=86400" in last.headers["set-cookie"]
    assert owner.get(ORGANIZATION).status_code == 401
    assert owner.post(REFRESH).status_code == 401


def test_used_refresh_token_ends_the_session_of_whoever_has_the_newer_one(
    app: FastAPI, owner: Person
) -> None:
    first = owner.cookies["refresh_token"]
    assert owner.post(REFRESH).status_code == 200
    assert owner.get(ORGANIZATION).status_code == 200

    answer = with_refresh_token(app, first).post(REFRESH)

    assert answer.status_code == 401
    assert owner.get(ORGANIZATION).status_code == 401
    assert owner.post(REFRESH).status_code == 401


def test_refresh_token_of_three_rotations_ago_ends_the_session_too(
    app: FastAPI, owner: Person
) -> None:
    first = owner.cookies["refresh_token"]
    for _ in range(3):
        assert owner.post(REFRESH).status_code == 200

    assert with_refresh_token(app, first).post(REFRESH).status_code == 401

    assert owner.get(ORGANIZATION).status_code == 401


def test_two_refreshes_at_once_never_both_succeed(app: FastAPI, owner: Person) -> None:
    token = owner.cookies["refresh_token"]

    with ThreadPoolExecutor(4) as pool:
        codes = sorted(
            pool.map(lambda _: with_refresh_token(app, token).post(REFRESH).status_code, range(4))
        )

    assert codes == [200, 401, 401, 401]


@pytest.mark.parametrize("token", ["", "x", ".", "a.b", "x" * 5000])
def test_unknown_refresh_token_is_refused(app: FastAPI, token: str) -> None:
    assert with_refresh_token(app, token).post(REFRESH).status_code == 401


def test_refresh_without_a_token_is_refused(visitor: Person) -> None:
    assert visitor.post(REFRESH).status_code == 401


def test_access_token_does_not_refresh_and_refresh_token_gives_no_access(
    app: FastAPI, owner: Person
) -> None:
    access, refresh = owner.cookies["access_token"], owner.cookies["refresh_token"]

    swapped = Person(app)
    swapped.cookies.set("access_token", refresh)

    assert with_refresh_token(app, access).post(REFRESH).status_code == 401
    assert swapped.get(ORGANIZATION).status_code == 401


def test_after_log_out_both_tokens_are_refused_at_once(app: FastAPI, owner: Person) -> None:
    access, refresh = owner.cookies["access_token"], owner.cookies["refresh_token"]

    answer = owner.post(LOG_OUT)

    assert answer.status_code == 200
    assert {morsel["max-age"] for morsel in cookies_of(answer).values()} == {"0"}
    bearer = {"Authorization": f"Bearer {access}"}
    assert Person(app).get(ORGANIZATION, headers=bearer).status_code == 401
    assert with_refresh_token(app, refresh).post(REFRESH).status_code == 401


def test_log_out_ends_one_session_and_not_the_others(app: FastAPI, owner: Person) -> None:
    elsewhere = Person(app)
    elsewhere.post(LOG_IN, json=credentials(owner))

    owner.post(LOG_OUT)

    assert elsewhere.get(ORGANIZATION).status_code == 200


def test_log_out_works_with_the_refresh_token_alone(
    app: FastAPI, owner: Person, clock: Clock
) -> None:
    refresh = owner.cookies["refresh_token"]
    clock.advance(hours=1)

    assert with_refresh_token(app, refresh).post(LOG_OUT).status_code == 200

    assert with_refresh_token(app, refresh).post(REFRESH).status_code == 401


def test_log_out_without_a_session_changes_nothing(visitor: Person) -> None:
    assert visitor.post(LOG_OUT).status_code == 200


def test_changed_role_holds_from_the_next_request(owner: Person) -> None:
    admin = owner.invite("admin")
    assert admin.patch(ORGANIZATION, json={"name": "Mine"}).status_code == 200
    listed = owner.get("/api/v1/members").json()["data"]
    [member_id] = [one["id"] for one in listed if one["email"] == admin.email]

    changed = owner.patch(f"/api/v1/members/{member_id}", json={"role": "read_only"})

    assert changed.status_code == 200
    assert admin.get(ORGANIZATION).status_code == 200
    assert admin.patch(ORGANIZATION, json={"name": "Mine"}).status_code == 403
    assert admin.post("/api/v1/api-keys", json={"name": "k", "scopes": ["read"]}).status_code == 403


def test_sessions_that_ran_out_a_month_ago_are_forgotten(
    app: FastAPI, owner: Person, clock: Clock, context: AppContext
) -> None:
    organization_id = UUID(owner.get(ORGANIZATION).json()["id"])
    clock.advance(days=37, seconds=1)

    Person(app).post(LOG_IN, json=credentials(owner))

    with context.transactions.for_organization(organization_id) as session:
        assert len(session.exec(select(UserSession)).all()) == 1
