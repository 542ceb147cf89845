"""Passwords: changed by who knows them, set anew by a link, never guessed first (CONTRACT 103)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from api.context import AppContext
from tests.api.access.furnished import organization_of
from tests.api.members_story import code_of, newest_reset_token
from tests.api.people import PASSWORD, Clock, Person

V1 = "/api/v1"
CHANGE = f"{V1}/auth/change-password"
REQUEST = f"{V1}/auth/request-reset"
RESET = f"{V1}/auth/reset"
LOG_IN = f"{V1}/auth/login"
ORGANIZATION = f"{V1}/organization"
OTHER = "another-horse-7"


@pytest.fixture(autouse=True)
def answered_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routers.accounts.links.ANSWERED_AFTER_SECONDS", 0.0)
    monkeypatch.setattr("api.access.address_limits.REFUSED_AFTER_SECONDS", 0.01)


def log_in(app: FastAPI, email: str, password: str) -> Person:
    person = Person(app)
    answer = person.post(LOG_IN, json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    return person


def can_log_in(app: FastAPI, email: str, password: str) -> bool:
    body = {"email": email, "password": password}
    return Person(app).post(LOG_IN, json=body).status_code == 200


def change(person: Person, now: str, new: str) -> tuple[int, str]:
    answer = person.post(CHANGE, json={"current_password": now, "new_password": new})
    return answer.status_code, answer.json().get("code", "")


def reset(person: Person, token: str, password: str = OTHER) -> tuple[int, str]:
    answer = person.post(RESET, json={"token": token, "password": password})
    return answer.status_code, answer.json().get("code", "")


def ask(visitor: Person, email: str) -> None:
    answer = visitor.post(REQUEST, json={"email": email})
    assert answer.status_code == 202, answer.text


def test_changed_password_ends_every_other_session_at_once(app: FastAPI, owner: Person) -> None:
    elsewhere = [log_in(app, owner.email, PASSWORD) for _ in range(2)]
    for one in elsewhere:
        assert one.get(ORGANIZATION).status_code == 200

    answer = owner.post(CHANGE, json={"current_password": PASSWORD, "new_password": OTHER})

    assert answer.json() == {"ended_sessions": 2}
    assert owner.get(ORGANIZATION).status_code == 200
    assert owner.post(f"{V1}/auth/refresh").status_code == 200
    for one in elsewhere:
        assert one.get(ORGANIZATION).status_code == 401
        assert one.post(f"{V1}/auth/refresh").status_code == 401
    assert not can_log_in(app, owner.email, PASSWORD)
    assert can_log_in(app, owner.email, OTHER)


def test_change_takes_the_password_that_is_good_now(app: FastAPI, owner: Person) -> None:
    assert change(owner, "wrong-horse-9", OTHER) == (403, "wrong_password")
    assert can_log_in(app, owner.email, PASSWORD)


def test_wrong_passwords_of_a_session_are_counted_and_lock_no_login(
    app: FastAPI, owner: Person
) -> None:
    codes = [change(owner, "wrong-horse-9", OTHER)[1] for _ in range(11)]

    assert codes == ["wrong_password"] * 10 + ["too_many_failures"]
    assert can_log_in(app, owner.email, PASSWORD)


@pytest.mark.parametrize(
    "password", ["short-7", "aaaaaaaa", "password", "LumenWorks1", "abcdefgh", "x" * 257]
)
def test_password_that_anybody_tries_is_not_taken(
    app: FastAPI, owner: Person, password: str
) -> None:
    answer = owner.post(CHANGE, json={"current_password": PASSWORD, "new_password": password})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "new_password"
    assert can_log_in(app, owner.email, PASSWORD)


def test_two_changes_at_once_are_one(app: FastAPI, owner: Person) -> None:
    wanted = ["another-horse-7", "third-stable-8"]

    with ThreadPoolExecutor(2) as together:
        results = list(together.map(lambda new: change(owner, PASSWORD, new)[0], wanted))

    good = [new for new in wanted if can_log_in(app, owner.email, new)]
    assert (sorted(results), len(good)) == ([200, 403], 1)


def test_reset_sets_a_password_once_and_ends_every_session(
    app: FastAPI, owner: Person, visitor: Person, context: AppContext
) -> None:
    ask(visitor, owner.email.upper())
    token = newest_reset_token(context, owner)

    assert reset(visitor, token) == (200, "")

    assert owner.get(ORGANIZATION).status_code == 401
    assert "set-cookie" not in visitor.headers
    assert visitor.get(ORGANIZATION).status_code == 401
    assert reset(visitor, token, "third-stable-8") == (404, "link_invalid")
    assert not can_log_in(app, owner.email, PASSWORD)
    assert can_log_in(app, owner.email, OTHER)


def test_link_is_good_for_an_hour(
    owner: Person, visitor: Person, context: AppContext, clock: Clock
) -> None:
    ask(visitor, owner.email)
    ask(visitor, owner.email)
    token = newest_reset_token(context, owner)
    clock.advance(minutes=59, seconds=59)
    assert reset(visitor, token, "short-7")[0] == 422
    clock.advance(seconds=1)

    assert reset(visitor, token) == (404, "link_invalid")


def test_of_several_links_the_first_that_is_used_ends_the_others(
    owner: Person, visitor: Person, context: AppContext
) -> None:
    ask(visitor, owner.email)
    first = newest_reset_token(context, owner)
    ask(visitor, owner.email)
    second = newest_reset_token(context, owner)

    assert reset(visitor, first) == (200, "")
    assert reset(visitor, second, "third-stable-8") == (404, "link_invalid")


def test_changing_the_password_ends_links(
    owner: Person, visitor: Person, context: AppContext
) -> None:
    ask(visitor, owner.email)
    token = newest_reset_token(context, owner)
    assert change(owner, PASSWORD, OTHER) == (200, "")

    assert reset(visitor, token, "third-stable-8") == (404, "link_invalid")


def test_of_several_resets_at_once_one_succeeds(
    app: FastAPI, owner: Person, visitor: Person, context: AppContext
) -> None:
    ask(visitor, owner.email)
    token = newest_reset_token(context, owner)

    with ThreadPoolExecutor(4) as together:
        results = list(together.map(lambda _: reset(Person(app), token)[0], range(4)))

    assert sorted(results) == [200, 404, 404, 404]


def test_link_of_a_removed_member_opens_nothing(
    owner: Person, visitor: Person, context: AppContext
) -> None:
    member = owner.invite("billing")
    ask(visitor, member.email)
    token = newest_reset_token(context, owner)
    members = owner.get(f"{V1}/members").json()["data"]
    whom = next(one["id"] for one in members if one["email"] == member.email)
    owner.delete(f"{V1}/members/{whom}")

    assert reset(visitor, token) == (404, "link_invalid")


def test_nobody_gets_more_than_three_mails_an_hour(
    owner: Person, visitor: Person, context: AppContext, clock: Clock
) -> None:
    for _ in range(5):
        ask(visitor, owner.email)
    mails = owner.get(f"{V1}/emails").json()["data"]
    assert [mail["cause"] for mail in mails] == ["password_reset"] * 3
    clock.advance(hours=1, seconds=1)
    owner.post(f"{V1}/auth/refresh")

    ask(visitor, owner.email)

    assert owner.get(f"{V1}/emails").json()["meta"]["total"] == 4


def test_answer_does_not_tell_whether_there_is_an_account(owner: Person, visitor: Person) -> None:
    known = visitor.post(REQUEST, json={"email": owner.email})
    unknown = visitor.post(REQUEST, json={"email": "nobody@lumenworks.test"})

    assert known.status_code == unknown.status_code == 202
    assert known.json() == unknown.json()
    assert known.headers.keys() == unknown.headers.keys()


def test_time_does_not_tell_whether_there_is_an_account(
    owner: Person, visitor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routers.accounts.links.ANSWERED_AFTER_SECONDS", 0.5)

    def seconds(email: str) -> float:
        began = time.perf_counter()
        ask(visitor, email)
        return time.perf_counter() - began

    known = [seconds(owner.email) for _ in range(3)]
    unknown = [seconds("nobody@lumenworks.test") for _ in range(3)]

    assert min(known) >= 0.5
    assert min(unknown) >= 0.5
    assert abs(median(known) - median(unknown)) < 0.2


def test_an_address_asks_twenty_times_a_minute(visitor: Person) -> None:
    codes = [
        visitor.post(REQUEST, json={"email": f"{number}@x.test"}).status_code
        for number in range(21)
    ]

    assert codes == [202] * 20 + [429]


def test_second_step_outlasts_a_reset(
    owner: Person, visitor: Person, context: AppContext, clock: Clock
) -> None:
    secret = owner.post(f"{V1}/auth/totp", json={"password": PASSWORD}).json()["secret"]
    owner.post(f"{V1}/auth/totp/confirm", json={"code": code_of(secret, clock.instant)})
    ask(visitor, owner.email)

    assert reset(visitor, newest_reset_token(context, owner)) == (200, "")

    answer = visitor.post(LOG_IN, json={"email": owner.email, "password": OTHER})
    assert answer.json()["code"] == "second_factor_required"


def test_database_holds_no_token_that_can_be_read(
    owner: Person, visitor: Person, context: AppContext
) -> None:
    ask(visitor, owner.email)
    token = newest_reset_token(context, owner)
    _, organization_id = organization_of(owner)
    with context.transactions.for_organization(organization_id) as session:
        stored = session.execute(text("SELECT password_reset::text FROM password_reset"))
        assert token not in " ".join(stored.scalars())
    assert token not in owner.get(f"{V1}/audit").text + owner.get(f"{V1}/emails").text
