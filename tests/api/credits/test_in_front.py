"""Holds and balances in front of the framework say what it says, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response
from sqlalchemy import text

from api.admission.rates.policies import RateLimits
from api.app import create_app
from api.context import AppContext
from api.transport.fast_path import FastRoutes
from repositories.transactions import Transactions
from services.credits import balances, holds
from tests.api.people import Clock, Person
from tests.api.sold import V1, post, sell

UNTIL = "2026-03-02T08:10:00Z"
PATH = f"{V1}/credits/holds"
ID = "0195e2a1-7c1a-7000-8000-0000000000aa"


@pytest.fixture
def customer_id(owner: Person) -> str:
    body = {"name": "Quay", "email": "quay@example.com", "external_id": "quay"}
    made = post(owner, "/customers", body)
    post(owner, "/units", {"code": "TOKENS", "name": "Tokens", "scale": 2})
    for unit in ("USD", "TOKENS"):
        post(owner, f"/customers/{made['id']}/grants", {"unit": unit, "amount": 1000})
    return str(made["id"])


def body_of(customer_id: str, /, **more: Any) -> dict[str, Any]:
    held = {"customer_id": customer_id, "unit": "TOKENS", "amount": 4, "expires_at": UNTIL}
    return held | more


@contextmanager
def behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything is answered by the framework."""
    with monkeypatch.context() as patched:
        patched.setattr(FastRoutes, "find", lambda _front, _scope: False)
        yield


def seen(answer: Response) -> tuple[int, str, dict[str, str]]:
    """What must not depend on the way: all but what each request has of its own."""
    own = re.compile(r'"(id|request_id)":"[^"]*"')
    headers = {
        name: text
        for name, text in answer.headers.items()
        if name not in {"x-request-id", "ratelimit", "content-length"}
    }
    return answer.status_code, own.sub("", answer.text), headers


HOLDS: dict[str, dict[str, Any]] = {
    "one": {},
    "all digits": {"amount": "3.10"},
    "small letters": {"unit": " tokens "},
    "a currency": {"unit": "USD"},
    "nothing": {"amount": 0},
    "less than nothing": {"amount": -1},
    "too fine": {"amount": "0.001"},
    "too much": {"amount": 5000},
    "an unknown unit": {"unit": "COINS"},
    "an unknown customer": {"customer_id": "0195e2a1-7c1a-7000-8000-000000000001"},
    "no customer": {"customer_id": "quay"},
    "too long": {"expires_at": "2026-03-03T08:00:01Z"},
    "over": {"expires_at": "2026-03-02T08:00:00Z"},
    "no instant": {"expires_at": "soon"},
    "a field too many": {"colour": "red"},
    "an id that is none": {"id": "mine"},
}


@pytest.mark.parametrize("name", HOLDS)
def test_a_hold_is_answered_alike(
    owner: Person, customer_id: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    body = body_of(customer_id, **HOLDS[name])

    in_front = owner.post(PATH, json=body)
    with behind(monkeypatch):
        expected = owner.post(PATH, json=body)

    assert seen(in_front) == seen(expected)


REQUESTS: dict[str, dict[str, Any]] = {
    "no body": {},
    "a list": {"json": []},
    "no JSON": {"content": b"{", "headers": {"Content-Type": "application/json"}},
    "text": {"content": b"{}", "headers": {"Content-Type": "text/plain"}},
    "packed": {
        "content": b"{}",
        "headers": {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    },
    "too large": {
        "content": b'"' + b"a" * 2_000_000 + b'"',
        "headers": {"Content-Type": "application/json"},
    },
    "a query": {"json": {}, "params": {"colour": "red"}},
    "a bad key": {"json": {}, "headers": {"X-API-Key": "nobody"}},
    "a bad token": {"json": {}, "headers": {"Authorization": "Bearer nobody"}},
    "another organization": {"json": {}, "headers": {"Fluxrate-Organization": ID}},
    "texts for numbers": {"json": {}, "headers": {"Prefer": "numbers=text"}},
}


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("who", ["owner", "visitor"])
def test_a_strange_request_is_answered_alike(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, who: str, name: str
) -> None:
    person: Person = request.getfixturevalue(who)

    in_front = person.post(PATH, **REQUESTS[name])
    with behind(monkeypatch):
        expected = person.post(PATH, **REQUESTS[name])

    assert seen(in_front) == seen(expected)


BALANCES = [
    "{id}/balance",
    "{id}/balance?unit=TOKENS",
    "{id}/balance?unit=%20tokens",
    "{id}/balance?unit=USD&unit=TOKENS",
    "{id}/balance?unit",
    "{id}/balance?unit=COINS",
    "{id}/balance?unit=EUR",
    f"{{id}}/balance?unit={'A' * 41}",
    "{id}/balance?unit=TOKENS&at=2026-03-02T08:00:00Z",
    "{id}/balance?colour=red",
    "quay/balance?unit=TOKENS",
    "nobody/balance?unit=TOKENS",
    f"{ID}/balance?unit=TOKENS",
]


@pytest.mark.parametrize("address", BALANCES)
def test_a_balance_is_answered_alike(
    owner: Person, customer_id: str, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    post(owner, "/credits/holds", body_of(customer_id))
    path = f"{V1}/customers/{address.format(id=customer_id)}"

    in_front = owner.get(path)
    with behind(monkeypatch):
        expected = owner.get(path)

    assert seen(in_front) == seen(expected)


def test_what_is_as_most_are_needs_no_framework(
    owner: Person, customer_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holds, "hold", None)
    monkeypatch.setattr(balances, "read_balance", None)

    made = owner.post(PATH, json=body_of(customer_id))
    shown = owner.get(f"{V1}/customers/{customer_id}/balance?unit=TOKENS")

    assert (made.status_code, made.json()["status"]) == (201, "held")
    assert (shown.status_code, shown.json()["held"]) == (200, 4)


def test_a_wallet_that_usage_draws_on_is_left_to_the_framework(owner: Person) -> None:
    sold = sell(owner, usage_limit=None)
    charge = {"type": "USAGE", "meter_id": sold.feature["meter_id"], "unit_price": "0.001"}
    post(owner, f"/plans/{sold.plan['id']}/charges", charge)
    sold.subscribe()
    customer_id = str(sold.customer["id"])
    post(owner, f"/customers/{customer_id}/grants", {"unit": "USD", "amount": 10})
    before = owner.get(f"{V1}/customers/{customer_id}/balance?unit=USD").json()
    assert sold.use(1000).status_code == 201

    refused = owner.post(PATH, json=body_of(customer_id, unit="USD", amount=10))
    after = owner.get(f"{V1}/customers/{customer_id}/balance?unit=USD").json()

    assert before["accruing"] == 0 < after["accruing"]
    assert (refused.status_code, refused.json()["code"]) == (409, "no_credit")


def test_a_hold_waits_for_its_wallet_and_no_other_does(
    owner: Person, customer_id: str, transactions: Transactions
) -> None:
    other = post(owner, "/customers", {"name": "Bay", "email": "bay@example.com"})["id"]
    post(owner, f"/customers/{other}/grants", {"unit": "TOKENS", "amount": 10})
    organization_id = owner.get(f"{V1}/organization").json()["id"]
    lock = text("SELECT FROM wallet WHERE customer_id = :id FOR UPDATE")

    with ThreadPoolExecutor(1) as thread:
        with transactions.for_organization(organization_id) as session:
            session.execute(lock, {"id": customer_id})
            waiting = thread.submit(owner.post, PATH, json=body_of(customer_id))
            answered = owner.post(PATH, json=body_of(other))
            assert not waiting.done()
        waited = waiting.result(60)

    assert (answered.status_code, waited.status_code) == (201, 201)


def test_of_holds_at_one_moment_those_are_placed_that_credit_is_there_for(
    owner: Person, customer_id: str
) -> None:
    body = body_of(customer_id, amount=100)

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: owner.post(PATH, json=body), range(16)))

    assert sorted(one.status_code for one in answers) == [201] * 10 + [409] * 6
    shown = owner.get(f"{V1}/customers/{customer_id}/balance?unit=TOKENS").json()
    assert (shown["held"], shown["available"]) == (1000, 0)
    assert owner.get(f"{V1}/audit/credits").json()["findings"] == []


def test_a_hold_under_its_id_is_placed_once_by_either_way(
    owner: Person, customer_id: str, clock: Clock
) -> None:
    body = body_of(customer_id, id=str(uuid4()))

    made = [owner.post(PATH, json=body).json() for _ in range(2)]
    made.append(owner.post(PATH, json=body, headers={"Idempotency-Key": "once"}).json())

    assert made[0] == made[1] == made[2]
    clock.advance(minutes=10)
    # The first hold is over, which is posted before another is placed.
    later = body_of(customer_id, amount=1000, expires_at=str(clock() + timedelta(hours=1)))
    assert owner.post(PATH, json=later).status_code == 201


def test_whoever_asks_too_often_is_refused_however_often_they_ask(context: AppContext) -> None:
    limits = RateLimits(per_key=5)
    person = Person(create_app(replace(context, rate_limits=limits, rates_clock=lambda: 1)))
    person.sign_up()

    answers = [person.post(PATH, json={}) for _ in range(8)]
    shown = person.get(f"{V1}/customers/{ID}/balance")

    assert [one.status_code for one in answers][-3:] == [429] * 3
    assert {one.status_code for one in answers} == {422, 429}
    assert shown.status_code == 429
