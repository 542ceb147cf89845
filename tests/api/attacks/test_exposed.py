"""What a stranger finds by asking for it, and what of their asking is written down."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from tests.api.access.furnished import V1, fill, furnish
from tests.api.credentials import least_credentials
from tests.api.people import PASSWORD, Person

NOT_THERE = (
    *("/.git/config", "/.git/HEAD", "/.svn/entries", "/.env", "/.htaccess", "/.DS_Store"),
    *("/pyproject.toml", "/uv.lock", "/worker.py", "/Dockerfile", "/docker-compose.yml"),
    *("/admin", "/debug", "/debug/pprof/", "/actuator/env", "/server-status", "/phpinfo.php"),
    *("/static/", "/static/..%2f..%2fpyproject.toml", "/swagger-ui/", "/docs/../.env"),
    *("/api/v1/", "/api/v1/admin", "/api/v1/internal", "/api/v2/organization", "/backup.sql"),
)


@pytest.mark.parametrize("path", NOT_THERE)
def test_nothing_is_there_that_was_not_meant_to_be(shared_app: FastAPI, path: str) -> None:
    answer = Person(shared_app).get(path)

    assert answer.status_code == 404, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "DEBUG"])
def test_methods_that_nobody_needs_are_refused(shared_app: FastAPI, method: str) -> None:
    answer = Person(shared_app).request(method, f"{V1}/organization")

    assert answer.status_code == 405


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://127.0.0.1:8000.evil.test"])
def test_other_sites_are_allowed_nothing(shared_owner: Person, origin: str) -> None:
    asking = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }

    preflight = shared_owner.request("OPTIONS", f"{V1}/customers", headers=asking)
    read = shared_owner.get(f"{V1}/customers", headers={"Origin": origin})

    for answer in (preflight, read):
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_reading_changes_nothing(app: FastAPI) -> None:
    owner = Person(app).sign_up()
    ids = furnish(owner)
    before = owner.get(f"{V1}/audit").json()["meta"]["total"]

    for method, path in least_credentials():
        if method == "GET":
            owner.get(fill(path, ids))

    assert owner.get(f"{V1}/audit").json()["meta"]["total"] == before


@pytest.mark.parametrize("other", [PASSWORD.upper(), f" {PASSWORD}", f"{PASSWORD} ", PASSWORD[:-1]])
def test_a_password_is_compared_as_it_was_given(app: FastAPI, owner: Person, other: str) -> None:
    answer = Person(app).post(f"{V1}/auth/login", json={"email": owner.email, "password": other})

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple of sixty-four characters and more!!",
        "x\u00e9\u4e2d\u6587 \U0001f511 pass phrase",
        "lowercaseonlywords",
        "7391 6402 8857",
        "q" + "wz" * 100 + "mk",
    ],
)
def test_a_password_may_be_long_and_of_any_signs(app: FastAPI, password: str) -> None:
    person = Person(app)
    body = {"email": person.email, "password": password, "organization_name": "Lumen Works"}

    assert person.post(f"{V1}/auth/signup", json=body).status_code == 201
    login = {"email": person.email, "password": password}
    assert Person(app).post(f"{V1}/auth/login", json=login).status_code == 200


def test_logins_and_refusals_are_written_down_without_what_was_typed(
    app: FastAPI, owner: Person
) -> None:
    reader = owner.invite("read_only")
    with capture_logs() as lines:
        guess = {"email": owner.email, "password": "a-wrong-guess-7"}
        Person(app).post(f"{V1}/auth/login", json=guess)
        Person(app).post(f"{V1}/auth/login", json=guess | {"password": PASSWORD})
        reader.post(f"{V1}/customers", json={"name": "x", "email": "x@y.test"})
        Person(app).get(f"{V1}/organization", headers={"X-API-Key": "sk_live_wrong"})

    def has(**parts: Any) -> bool:
        return any(parts.items() <= line.items() for line in lines)

    assert has(event="login_failed")
    assert has(event="request_answered", status=401)
    assert has(event="request_answered", status=403, route=f"{V1}/customers")
    kinds = {one["action"] for one in owner.get(f"{V1}/audit").json()["data"]}
    assert "user.logged_in" in kinds
    said = json.dumps([{name: str(value) for name, value in line.items()} for line in lines])
    for secret in ("a-wrong-guess-7", PASSWORD, owner.email, "sk_live_wrong"):
        assert secret not in said
