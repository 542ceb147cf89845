"""Sessions of one's own: listed, and ended one by one or all others at once (CONTRACT 103)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI, Request

from api.access.principal import Principal
from api.access.sessions import get_person
from api.context import AppContext
from api.routers.accounts import own_account
from tests.api.people import PASSWORD, Clock, Person

V1 = "/api/v1"
SESSIONS = f"{V1}/auth/sessions"
ORGANIZATION = f"{V1}/organization"


def log_in(app: FastAPI, email: str, agent: str = "testclient") -> Person:
    person = Person(app)
    body = {"email": email, "password": PASSWORD}
    answer = person.post(f"{V1}/auth/login", json=body, headers={"User-Agent": agent})
    assert answer.status_code == 200
    return person


def sessions_of(person: Person) -> list[dict[str, Any]]:
    answer = person.get(SESSIONS)
    assert answer.status_code == 200, answer.text
    listed: list[dict[str, Any]] = answer.json()["data"]
    return listed


def test_sessions_say_when_and_by_what_they_were_opened(
    app: FastAPI, owner: Person, clock: Clock
) -> None:
    clock.advance(minutes=5)
    phone = log_in(app, owner.email, "A phone " + "x" * 300)
    clock.advance(minutes=5)
    phone.post(f"{V1}/auth/refresh", headers={"User-Agent": "A newer phone"})

    newest, oldest = sessions_of(phone)

    assert (newest["is_current"], oldest["is_current"]) == (True, False)
    assert newest["user_agent"] == "A newer phone"
    assert (newest["created_at"], newest["last_seen_at"]) == (
        "2026-03-02T08:05:00Z",
        "2026-03-02T08:10:00Z",
    )
    assert newest["expires_at"] == "2026-03-09T08:10:00Z"
    assert oldest["address"] == "testclient"
    shown = str(sessions_of(phone))
    assert phone.cookies["refresh_token"] not in shown


def test_user_agent_is_cut(app: FastAPI, owner: Person) -> None:
    phone = log_in(app, owner.email, "x" * 300)

    assert sessions_of(phone)[0]["user_agent"] == "x" * 200


def test_ended_session_is_refused_at_once_and_ending_repeats(app: FastAPI, owner: Person) -> None:
    phone = log_in(app, owner.email)
    assert phone.get(ORGANIZATION).status_code == 200
    ended = next(one["id"] for one in sessions_of(owner) if not one["is_current"])

    codes = [owner.delete(f"{SESSIONS}/{ended}").status_code for _ in range(2)]

    assert codes == [204, 204]
    assert phone.get(ORGANIZATION).status_code == 401
    assert phone.post(f"{V1}/auth/refresh").status_code == 401
    assert len(sessions_of(owner)) == 1


def test_all_other_sessions_end_and_this_one_goes_on(app: FastAPI, owner: Person) -> None:
    others = [log_in(app, owner.email) for _ in range(3)]
    for one in others:
        assert one.get(ORGANIZATION).status_code == 200

    assert owner.delete(SESSIONS).status_code == 204

    assert [one.get(ORGANIZATION).status_code for one in others] == [401] * 3
    assert [one["is_current"] for one in sessions_of(owner)] == [True]


def test_own_session_can_be_ended_as_by_logging_out(owner: Person) -> None:
    [current] = sessions_of(owner)

    assert owner.delete(f"{SESSIONS}/{current['id']}").status_code == 204

    assert owner.get(ORGANIZATION).status_code == 401


def test_sessions_of_colleagues_are_of_nobody(owner: Person) -> None:
    colleague = owner.invite("admin")
    [theirs] = sessions_of(colleague)

    for by, session_id in ((owner, theirs["id"]), (owner, uuid4())):
        answer = by.delete(f"{SESSIONS}/{session_id}")
        assert (answer.status_code, answer.json()["code"]) == (404, "session_not_found")
    owner.delete(SESSIONS)

    assert [one["id"] for one in sessions_of(colleague)] == [theirs["id"]]


@pytest.mark.parametrize("how", ["logged out", "over"])
def test_sessions_that_ended_are_not_listed(
    app: FastAPI, owner: Person, clock: Clock, how: str
) -> None:
    phone = log_in(app, owner.email)
    if how == "logged out":
        phone.post(f"{V1}/auth/logout")
    else:
        clock.advance(days=6)
        owner.post(f"{V1}/auth/refresh")
        clock.advance(days=1)
        owner.post(f"{V1}/auth/refresh")

    assert len(sessions_of(owner)) == 1


def test_a_key_has_no_sessions(owner: Person, visitor: Person) -> None:
    key = {"X-API-Key": owner.make_key("billing.write")}

    answer = visitor.get(SESSIONS, headers=key)

    assert (answer.status_code, answer.json()["code"]) == (403, "session_required")


def test_everybody_in_a_session_is_told_who_they_are(owner: Person) -> None:
    reader = owner.invite("read_only")

    found = reader.get(f"{V1}/auth/me").json()

    assert (found["user"]["email"], found["user"]["role"]) == (reader.email, "read_only")
    assert found["organization"] == owner.get(ORGANIZATION).json()


def test_who_is_removed_while_they_ask_who_they_are_has_to_log_in(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def know_a_removed_one(request: Request, context: AppContext) -> Principal:
        return replace(await get_person(request, context), user_id=uuid4())

    monkeypatch.setattr(own_account, "get_person", know_a_removed_one)

    answer = owner.get(f"{V1}/auth/me")

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
