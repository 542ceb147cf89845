"""Signing up and logging in (CONTRACT 3.1, 63, 64)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from sqlmodel import select

from api.context import AppContext
from models.accounts.users import LoginFailures
from tests.api.access.logging_in import cookies_of, credentials
from tests.api.people import PASSWORD, Clock, Person

SIGN_UP = "/api/v1/auth/signup"
LOG_IN = "/api/v1/auth/login"
ORGANIZATION = "/api/v1/organization"


def test_sign_up_answers_with_owner_and_organization(visitor: Person) -> None:
    answer = visitor.post(
        SIGN_UP,
        json={
            "email": "first@lumenworks.test",
            "password": PASSWORD,
            "organization_name": " Lumen Works ",
        },
    )

    assert answer.status_code == 201
    body = answer.json()
    assert body["user"] == {
        "id": body["user"]["id"],
        "email": "first@lumenworks.test",
        "role": "owner",
    }
    assert body["organization"]["name"] == "Lumen Works"
    assert body["organization"]["slug"] == "lumen-works"
    assert body["organization"]["payment_terms_days"] == 30
    assert body["organization"]["grace_period_minutes"] == 60
    assert body["organization"]["created_at"] == "2026-03-02T08:00:00Z"
    assert PASSWORD not in answer.text


def test_sign_up_sets_both_cookies_out_of_reach_of_scripts(visitor: Person) -> None:
    answer = visitor.post(
        SIGN_UP, json={**credentials(visitor), "organization_name": "Lumen Works"}
    )

    jar = cookies_of(answer)
    assert set(jar) == {"access_token", "refresh_token"}
    for morsel, seconds in ((jar["access_token"], "900"), (jar["refresh_token"], "604800")):
        assert morsel["httponly"]
        assert morsel["samesite"].lower() == "lax"
        assert morsel["path"] == "/"
        assert morsel["max-age"] == seconds
        assert not morsel["secure"]


def test_known_email_in_any_case_is_refused_and_stores_nothing(
    owner: Person, visitor: Person
) -> None:
    answer = visitor.post(
        SIGN_UP,
        json={
            "email": owner.email.upper(),
            "password": PASSWORD,
            "organization_name": "Another",
        },
    )

    assert answer.status_code == 409
    assert answer.json()["code"] == "email_taken"
    assert answer.json()["errors"][0]["field"] == "email"
    assert "set-cookie" not in answer.headers


def test_two_sign_ups_at_once_make_one_account(app: FastAPI) -> None:
    body = {"email": "race@lumenworks.test", "password": PASSWORD, "organization_name": "Race"}

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: Person(app).post(SIGN_UP, json=body), range(4)))

    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", ""),
        ("email", "ops"),
        ("email", "ops@"),
        ("email", "@lumenworks.test"),
        ("email", "a b@lumenworks.test"),
        ("email", "a@b@lumenworks.test"),
        ("email", "x" * 400 + "@lumenworks.test"),
        ("email", None),
        ("email", 7),
        ("email", ["ops@lumenworks.test"]),
        ("password", "short-7"),
        ("password", ""),
        ("password", "x" * 2000),
        ("password", None),
        ("password", 123456789),
        ("password", "password"),
        ("password", "Password1"),
        ("password", "1234567890"),
        ("organization_name", ""),
        ("organization_name", "   "),
        ("organization_name", "x" * 501),
        ("organization_name", None),
        ("organization_name", {}),
        ("role", "owner"),
        ("organization_id", "01a20d74-6f58-7f55-83e2-2a84454cb958"),
    ],
)
def test_bad_sign_up_names_the_field_and_stores_nothing(
    visitor: Person, field: str, value: object
) -> None:
    good = {**credentials(visitor), "organization_name": "Lumen Works"}

    answer = visitor.post(SIGN_UP, json={**good, field: value})

    assert answer.status_code == 422
    assert field in {error["field"] for error in answer.json()["errors"]}
    assert visitor.post(SIGN_UP, json=good).status_code == 201


def test_email_with_nul_is_refused(visitor: Person) -> None:
    answer = visitor.post(
        SIGN_UP,
        json={
            "email": "o\x00ps@lumenworks.test",
            "password": PASSWORD,
            "organization_name": "Lumen",
        },
    )

    assert answer.status_code == 422


def test_log_in_takes_the_email_in_any_case(app: FastAPI, owner: Person) -> None:
    person = Person(app)

    answer = person.post(LOG_IN, json={"email": owner.email.upper(), "password": PASSWORD})

    assert answer.status_code == 200
    assert answer.json()["user"]["email"] == owner.email
    assert person.get(ORGANIZATION).status_code == 200


def test_unknown_email_and_wrong_password_get_the_same_answer(
    owner: Person, visitor: Person
) -> None:
    wrong = visitor.post(LOG_IN, json=credentials(owner, "wrong-horse-9"))
    unknown = visitor.post(LOG_IN, json=credentials(visitor, "wrong-horse-9"))

    assert wrong.status_code == unknown.status_code == 401
    ignored = {"request_id"}
    assert {k: v for k, v in wrong.json().items() if k not in ignored} == {
        k: v for k, v in unknown.json().items() if k not in ignored
    }
    assert "set-cookie" not in wrong.headers


def test_eleventh_attempt_after_ten_failures_waits_until_the_window_is_over(
    owner: Person, visitor: Person, clock: Clock
) -> None:
    for _ in range(10):
        assert visitor.post(LOG_IN, json=credentials(owner, "wrong")).status_code == 401
        clock.advance(seconds=30)

    blocked = visitor.post(LOG_IN, json=credentials(owner))

    assert blocked.status_code == 429
    assert blocked.json()["code"] == "too_many_failures"
    assert blocked.headers["retry-after"] == "601"
    clock.advance(seconds=601)
    assert visitor.post(LOG_IN, json=credentials(owner)).status_code == 200


def test_unknown_accounts_are_throttled_like_known_ones(visitor: Person) -> None:
    body = credentials(visitor, "wrong")

    codes = [visitor.post(LOG_IN, json=body).status_code for _ in range(11)]

    assert codes == [401] * 10 + [429]


def test_guessing_in_parallel_gets_no_more_than_ten_guesses(app: FastAPI, owner: Person) -> None:
    def guess(number: int) -> int:
        return Person(app).post(LOG_IN, json=credentials(owner, f"guess-{number}")).status_code

    with ThreadPoolExecutor(6) as pool:
        codes = sorted(pool.map(guess, range(16)))

    assert codes == [401] * 10 + [429] * 6


def test_success_forgets_the_failures(owner: Person, visitor: Person) -> None:
    for _ in range(9):
        visitor.post(LOG_IN, json=credentials(owner, "wrong"))
    assert visitor.post(LOG_IN, json=credentials(owner)).status_code == 200

    codes = [visitor.post(LOG_IN, json=credentials(owner, "wrong")).status_code for _ in range(11)]

    assert codes == [401] * 10 + [429]


def test_throttled_account_leaves_others_alone(
    owner: Person, visitor: Person, app: FastAPI
) -> None:
    other = Person(app).sign_up("Another")
    for _ in range(10):
        visitor.post(LOG_IN, json=credentials(owner, "wrong"))

    assert visitor.post(LOG_IN, json=credentials(other)).status_code == 200


def test_bearer_works_wherever_the_cookie_does(owner: Person, visitor: Person) -> None:
    token = owner.cookies["access_token"]

    answer = visitor.get(ORGANIZATION, headers={"Authorization": f"bearer {token}"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer ",
        "Bearer nonsense",
        "Bearer a.b.c",
        "Basic b3BzOnB3",
        "Bearer " + "x" * 5000,
    ],
)
def test_bad_authorization_is_refused_even_beside_a_good_cookie(
    owner: Person, authorization: str
) -> None:
    answer = owner.get(ORGANIZATION, headers={"Authorization": authorization})

    assert answer.status_code == 401


def test_failures_that_are_over_leave_no_rows_behind(
    visitor: Person, clock: Clock, context: AppContext
) -> None:
    for number in range(5):
        visitor.post(LOG_IN, json={"email": f"guess{number}@lumenworks.test", "password": "wrong"})
    clock.advance(minutes=15)

    visitor.post(LOG_IN, json=credentials(visitor, "wrong"))

    with context.transactions.for_organizations(()) as session:
        kept = session.exec(select(LoginFailures).where(LoginFailures.forget_at <= clock())).all()
    assert kept == []
