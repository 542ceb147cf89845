"""What the cookies of a session are called, and who could have set them (CONTRACT 63)."""

from __future__ import annotations

from dataclasses import replace

from fastapi import FastAPI

from api.app import create_app
from api.context import AppContext
from tests.api.access.logging_in import cookies_of, credentials
from tests.api.people import Person

SIGN_UP = "/api/v1/auth/signup"


def test_cookies_are_secure_when_the_request_came_encrypted(app: FastAPI) -> None:
    person = Person(app)
    person.base_url = "https://billing.lumenworks.test"

    answer = person.post(SIGN_UP, json={**credentials(person), "organization_name": "Lumen Works"})

    cookies = cookies_of(answer)
    assert set(cookies) == {"__Host-access_token", "__Host-refresh_token"}
    # Else a browser refuses what is called so.
    assert all(morsel["secure"] and morsel["path"] == "/" for morsel in cookies.values())
    assert not any(morsel["domain"] for morsel in cookies.values())


def test_an_encrypted_session_lives_by_its_prefixed_cookies(app: FastAPI) -> None:
    person = Person(app)
    person.base_url = "https://billing.lumenworks.test"
    person.sign_up()
    first = person.cookies["__Host-refresh_token"]

    assert person.get("/api/v1/organization").status_code == 200
    assert person.post("/api/v1/auth/refresh").status_code == 200
    assert person.cookies["__Host-refresh_token"] != first
    assert person.post("/api/v1/auth/logout").status_code == 200
    assert not person.cookies
    assert person.get("/api/v1/organization").status_code == 401


def test_cookies_that_a_neighbor_could_have_planted_open_nothing(app: FastAPI) -> None:
    planter = Person(app).sign_up()
    person = Person(app)
    person.base_url = "https://billing.lumenworks.test"
    for name, value in planter.cookies.items():
        person.cookies.set(name, value)

    assert person.get("/api/v1/organization").json()["code"] == "credentials_missing"
    assert person.post("/api/v1/auth/refresh").json()["code"] == "credentials_missing"


def test_cookies_keep_their_documented_names_where_the_operator_says_so(
    context: AppContext,
) -> None:
    person = Person(create_app(replace(context, plain_cookie_names=True)))
    person.base_url = "https://billing.lumenworks.test"

    person.sign_up()

    assert set(person.cookies) == {"access_token", "refresh_token"}
    assert person.get("/api/v1/organization").status_code == 200
