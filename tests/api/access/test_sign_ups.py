"""Who may sign up here, and how often an address tries (CONTRACT 101)."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI
from httpx2 import Response
from prometheus_client import CollectorRegistry
from starlette.requests import HTTPConnection

from api.access.address_limits import MOST_ADDRESSES, AddressLimit, address_of
from api.app import create_app
from api.context import AppContext
from billing.errors import TooManyRequests
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.accounts.sign_up_policy import SignUpPolicy
from tests.api.people import PASSWORD, Clock, Person

SIGN_UP = "/api/v1/auth/signup"
LOG_IN = "/api/v1/auth/login"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def refused_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.access.address_limits.REFUSED_AFTER_SECONDS", 0.01)


def sign_up(person: Person) -> Response:
    body = {"email": person.email, "password": PASSWORD, "organization_name": "Lumen Works"}
    return person.post(SIGN_UP, json=body)


def test_closed_sign_up_makes_no_organization(context: AppContext) -> None:
    answer = sign_up(Person(create_app(replace(context, sign_up_policy=SignUpPolicy.CLOSED))))

    assert (answer.status_code, answer.json()["code"]) == (403, "signup_closed")
    assert "set-cookie" not in answer.headers


def test_first_sign_up_is_the_only_one_also_when_many_come_at_once(
    context: AppContext, database_url: str
) -> None:
    engine = create_application_engine(database_url, pool_size=8)
    fresh = replace(context, transactions=Transactions(engine), sign_up_policy=SignUpPolicy.FIRST)
    app = create_app(fresh)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: sign_up(Person(app)).status_code, range(4)))

    assert sorted(answers) == [201, 403, 403, 403]
    assert sign_up(Person(app)).json()["code"] == "signup_closed"
    engine.dispose()


def test_thirty_failed_logins_of_an_address_are_compared_and_the_next_waits_a_minute(
    visitor: Person, owner: Person, clock: Clock
) -> None:
    def fail(number: int) -> int:
        body = {"email": f"guess{number}@lumenworks.test", "password": "wrong-horse-9"}
        return visitor.post(LOG_IN, json=body).status_code

    codes = [fail(number) for number in range(30)]
    clock.advance(seconds=20)
    blocked = visitor.post(LOG_IN, json={"email": owner.email, "password": PASSWORD})
    clock.advance(seconds=40)

    assert codes == [401] * 30
    assert (blocked.status_code, blocked.json()["code"]) == (429, "too_many_failures")
    assert blocked.headers["retry-after"] == "40"
    assert visitor.post(LOG_IN, json={"email": owner.email, "password": PASSWORD}).is_success


def test_logins_that_succeed_do_not_count(visitor: Person, owner: Person) -> None:
    body = {"email": owner.email, "password": PASSWORD}

    assert {visitor.post(LOG_IN, json=body).status_code for _ in range(35)} == {200}


def test_hundred_sign_ups_of_an_address_are_taken_in_a_minute(app: FastAPI, clock: Clock) -> None:
    person = Person(app)
    taken = sign_up(person).status_code
    known = [sign_up(person).status_code for _ in range(99)]

    blocked = sign_up(Person(app))
    clock.advance(seconds=60)

    assert [taken, *known] == [201] + [409] * 99
    assert (blocked.status_code, blocked.json()["code"]) == (429, "too_many_sign_ups")
    assert blocked.headers["retry-after"] == "60"
    assert sign_up(Person(app)).status_code == 201


def test_operator_raises_the_limits_and_never_lowers_them(context: AppContext) -> None:
    raised = Person(create_app(replace(context, auth_per_minute=40)))
    other = replace(context, registry=CollectorRegistry())
    lowered = Person(create_app(replace(other, auth_per_minute=1)))

    def failures(person: Person, name: str) -> list[int]:
        return [
            person.post(LOG_IN, json={"email": f"{name}{n}@x.test", "password": "no"}).status_code
            for n in range(41)
        ]

    assert failures(raised, "raised") == [401] * 40 + [429]
    assert failures(lowered, "lowered") == [401] * 30 + [429] * 11


async def take(limit: AddressLimit, address: str, now: datetime = NOW) -> None:
    leaving: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    await limit.take(address, now=now, leaving=leaving)


async def test_each_address_has_its_own_count() -> None:
    limit = AddressLimit(1, code="too_many", detail="Too many.")
    await take(limit, "192.0.2.1")
    await take(limit, "192.0.2.2")

    with pytest.raises(TooManyRequests) as caught:
        await take(limit, "192.0.2.1", NOW + timedelta(seconds=59))

    assert caught.value.retry_after_seconds == 1


async def test_refusal_comes_late_so_that_asking_at_once_again_is_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.access.address_limits.REFUSED_AFTER_SECONDS", 0.2)
    limit = AddressLimit(0, code="too_many", detail="Too many.")
    began = time.monotonic()

    with pytest.raises(TooManyRequests):
        await take(limit, "192.0.2.1")

    assert time.monotonic() - began >= 0.19


async def test_addresses_that_are_remembered_are_bounded() -> None:
    limit = AddressLimit(1, code="too_many", detail="Too many.")

    for number in range(MOST_ADDRESSES + 1):
        await take(limit, str(number))

    await take(limit, "0")
    assert len(limit) == MOST_ADDRESSES


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_address_is_a_host_or_for_ipv6_its_network(host: str, address: str) -> None:
    connection = HTTPConnection({"type": "http", "client": (host, 1), "headers": []})

    assert address_of(connection) == address
