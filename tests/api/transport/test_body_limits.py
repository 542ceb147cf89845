"""What a request may carry (CONTRACT 3, 63, 66, 79)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from api.app import create_app
from api.context import AppContext
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.security import Security
from tests.api.people import Clock, Person

CUSTOMERS = "/api/v1/customers"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def owner(module_database_url: str, security: Security) -> Iterator[Person]:
    """One owner for all: nothing that these tests send may leave a trace."""
    engine = create_application_engine(module_database_url, pool_size=2)
    context = AppContext(transactions=Transactions(engine), security=security, now=Clock())
    yield Person(create_app(context)).sign_up()
    engine.dispose()


def send(person: Person, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    answer = person.post(CUSTOMERS, content=body, headers=JSON | headers)
    assert answer.headers["content-type"] == "application/problem+json"
    assert person.get(CUSTOMERS).json()["meta"]["total"] == 0
    return answer.status_code, answer.json()


def test_body_of_a_mebibyte_is_read_and_one_byte_more_is_not(owner: Person) -> None:
    padding = 1024 * 1024 - len(b'{"name":""}')
    largest = b'{"name":"%s"}' % (b"x" * padding)

    assert send(owner, largest)[0] == 422
    status, problem = send(owner, largest + b" ")
    assert (status, problem["code"]) == (413, "body_too_large")


def test_body_of_undeclared_length_is_cut_off_at_the_limit(owner: Person) -> None:
    sent = 0

    def chunks() -> Any:
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b" " * 65536

    answer = owner.post(CUSTOMERS, content=chunks(), headers=JSON)

    assert answer.status_code == 413


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
)
def test_body_that_is_not_json_is_415(owner: Person, content_type: str) -> None:
    status, problem = send(owner, b'{"name":"Harbor"}', **{"Content-Type": content_type})

    assert (status, problem["code"]) == (415, "unsupported_media")


def test_compressed_body_is_415(owner: Person) -> None:
    assert send(owner, b"\x1f\x8b", **{"Content-Encoding": "gzip"})[0] == 415


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe",
        b'{"name":"a"}x',
        b"{'name':'a'}",
        b"[" * 100_000,
        b'{"name":' * 50_000,
        b'{"name":' + b"1" * 5000 + b"}",
    ],
    ids=lambda body: body[:12].decode("latin-1"),
)
def test_malformed_body_is_422(owner: Person, body: bytes) -> None:
    assert send(owner, body)[0] == 422


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800", "\\udc00x"])
def test_text_that_cannot_be_stored_is_refused_by_field(owner: Person, escape: str) -> None:
    status, problem = send(owner, b'{"name":"Harbor","email":"a%sb"}' % escape.encode())

    assert (status, problem["code"]) == (422, "invalid_text")
    assert problem["errors"][0]["field"] == "email"


def test_escaped_backslash_before_u0000_is_ordinary_text(owner: Person) -> None:
    answer = owner.post(
        CUSTOMERS, content=rb'{"name":"a\\u0000b","email":"a@harbor.test"}', headers=JSON
    )

    assert answer.status_code == 201
    assert answer.json()["name"] == r"a\u0000b"
    assert owner.delete(f"{CUSTOMERS}/{answer.json()['id']}").status_code == 204


@pytest.mark.parametrize(
    "path", [f"{CUSTOMERS}?q=%00", f"{CUSTOMERS}/%00", f"{CUSTOMERS}?q=%E2%80%00"]
)
def test_nul_in_the_address_is_422(owner: Person, path: str) -> None:
    assert owner.get(path).status_code == 422


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("field", ["name", "email", "phone"])
def test_what_is_not_a_number_is_refused_by_field(owner: Person, number: str, field: str) -> None:
    body = {"name": "Harbor", "email": "a@harbor.test"} | {field: float("nan")}
    text = json.dumps(body).replace("NaN", number)

    status, problem = send(owner, text.encode())

    assert status == 422
    assert field in {error["field"] for error in problem["errors"]}


def test_unknown_field_is_refused_by_name(owner: Person) -> None:
    body = {"name": "Harbor", "email": "a@harbor.test", "organization_id": "x"}

    status, problem = send(owner, json.dumps(body).encode())

    assert status == 422
    assert [error["field"] for error in problem["errors"]] == ["organization_id"]
