"""Every error is a problem document that tells what to do and nothing else (CONTRACT 2, 3)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import pytest

from api.app import create_app
from api.context import AppContext
from repositories.accounts import organizations
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from tests.api.people import Person
from tests.stopwatch import Stopwatch

ORGANIZATION = "/api/v1/organization"
KEYS = "/api/v1/api-keys"


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def without_database(context: AppContext, url: str) -> Person:
    engine = create_application_engine(url, pool_size=2)
    return Person(create_app(replace(context, transactions=Transactions(engine))))


def test_problem_has_all_documented_members(visitor: Person) -> None:
    answer = visitor.get(ORGANIZATION, headers={"X-Request-Id": "the-request-1"})

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json() == {
        "type": "http://127.0.0.1:8000/errors/credentials_missing",
        "title": "Unauthorized",
        "status": 401,
        "detail": "Log in, or send an API key in the header X-API-Key.",
        "message": "Log in, or send an API key in the header X-API-Key.",
        "instance": ORGANIZATION,
        "code": "credentials_missing",
        "request_id": "the-request-1",
    }


def test_validation_names_each_field_and_where_it_was(owner: Person) -> None:
    answer = owner.post(KEYS, json={"scopes": [7], "extra": 1})

    assert answer.status_code == 422
    body = answer.json()
    assert body["code"] == "invalid_input"
    assert isinstance(body["detail"], str)
    assert {(error["in"], error["field"]) for error in body["errors"]} == {
        ("body", "name"),
        ("body", "scopes.0"),
        ("body", "extra"),
    }


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing-here", 404, "not_found"),
        ("GET", "/", 404, "not_found"),
        ("GET", "/api/v1/organization/", 404, "not_found"),
        ("DELETE", ORGANIZATION, 405, "method_not_allowed"),
        ("PUT", KEYS, 405, "method_not_allowed"),
    ],
)
def test_unknown_addresses_and_methods(
    owner: Person, method: str, path: str, status: int, code: str
) -> None:
    answer = owner.request(method, path)

    assert answer.status_code == status
    assert answer.json()["code"] == code
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b"[]",
        b"7",
        b"null",
        b'"text"',
        b"{'name': 'x'}",
        b"\xff\xfe",
        b'{"name":',
    ],
)
def test_malformed_bodies_are_422(owner: Person, body: bytes) -> None:
    answer = owner.post(KEYS, content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], str)


def test_detail_says_of_each_field_what_is_wrong_with_it(owner: Person) -> None:
    body = {"name": "Harbor Labs", "emial": "ap@harbor.test", "nonsense": 1}

    answer = owner.post("/api/v1/customers", json=body)

    assert answer.json()["detail"] == (
        "Invalid input: email is required; emial is not a field (did you mean email?); "
        "nonsense is not a field."
    )


def test_made_up_field_names_are_not_repeated_at_length(owner: Person) -> None:
    body = {"name": "x", "scopes": ["read"], **{f"{'f' * 5000}{number}": 1 for number in range(99)}}

    answer = owner.post(KEYS, json=body)

    assert answer.status_code == 422
    assert len(answer.content) < 20_000


def test_absent_database_is_503_within_two_seconds(context: AppContext) -> None:
    visitor = without_database(context, "postgresql://nobody@127.0.0.1:1/nowhere")
    watch = Stopwatch()

    answer = visitor.get(
        ORGANIZATION, headers={"X-API-Key": context.security.new_api_key("sk_live")}
    )

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["code"] == "database_unavailable"
    assert "127.0.0.1:1" not in answer.text
    assert watch.seconds() < 3


def test_silent_database_is_503_and_not_a_hang(context: AppContext, silent_port: int) -> None:
    visitor = without_database(context, f"postgresql://nobody@127.0.0.1:{silent_port}/nowhere")
    watch = Stopwatch()

    answer = visitor.post(
        "/api/v1/auth/login", json={"email": "a@lumenworks.test", "password": "correct-horse-9"}
    )

    assert answer.status_code == 503
    assert watch.seconds() < 5


def test_exhausted_pool_is_503_and_recovers(context: AppContext, module_database_url: str) -> None:
    engine = create_application_engine(module_database_url, pool_size=2)
    owner = Person(create_app(replace(context, transactions=Transactions(engine)))).sign_up()

    with engine.connect(), engine.connect():
        watch = Stopwatch()
        answer = owner.get(ORGANIZATION)
        waited = watch.seconds()

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert waited < 3
    assert owner.get(ORGANIZATION).status_code == 200
    engine.dispose()


def test_many_requests_at_once_share_a_small_pool(
    context: AppContext, module_database_url: str
) -> None:
    engine = create_application_engine(module_database_url, pool_size=2)
    owner = Person(create_app(replace(context, transactions=Transactions(engine)))).sign_up()

    with ThreadPoolExecutor(12) as pool:
        codes = list(pool.map(lambda _: owner.get(ORGANIZATION).status_code, range(48)))

    assert set(codes) == {200}
    engine.dispose()


def test_request_that_waits_for_a_lock_too_long_is_503(
    context: AppContext, module_database_url: str
) -> None:
    engine = create_application_engine(module_database_url, pool_size=3, statement_seconds=1)
    owner = Person(create_app(replace(context, transactions=Transactions(engine)))).sign_up()
    organization_id = UUID(owner.get(ORGANIZATION).json()["id"])

    with context.transactions.for_organization(organization_id) as session:
        organizations.lock_organization(session, organization_id)
        answer = owner.patch(ORGANIZATION, json={"name": "Waiting"})

    assert answer.status_code == 503
    assert owner.patch(ORGANIZATION, json={"name": "Done"}).status_code == 200
    engine.dispose()
