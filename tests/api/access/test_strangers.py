"""Strangers who fail to log in keep strangers out, and nobody else (decision 0054)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from sqlmodel import select

from api.context import AppContext
from models.accounts.users import LoginAddress
from tests.api.access.logging_in import credentials
from tests.api.people import PASSWORD, Clock, Person

LOG_IN = "/api/v1/auth/login"


@pytest.fixture(autouse=True)
def refused_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.access.address_limits.REFUSED_AFTER_SECONDS", 0.01)


def at(app: FastAPI, address: str) -> Person:
    person = Person(app)
    person.come_from(address)
    return person


def log_in(app: FastAPI, address: str, whom: Person, password: str = PASSWORD) -> int:
    return at(app, address).post(LOG_IN, json=credentials(whom, password)).status_code


def test_stranger_locks_strangers_out_and_neither_known_addresses_nor_sessions(
    app: FastAPI, owner: Person
) -> None:
    assert log_in(app, "192.0.2.1", owner) == 200
    guesses = [log_in(app, "203.0.113.9", owner, f"guess-horse-{n}") for n in range(11)]

    assert guesses == [401] * 10 + [429]
    assert log_in(app, "198.51.100.4", owner) == 429
    assert log_in(app, "192.0.2.1", owner) == 200
    assert log_in(app, "testclient", owner) == 200
    assert owner.post("/api/v1/auth/refresh").status_code == 200
    # Who comes in from a known address gives strangers no guesses back.
    assert log_in(app, "203.0.113.9", owner, "guess-horse-99") == 429


def test_many_strangers_together_have_ten_guesses(app: FastAPI, owner: Person) -> None:
    def guess(number: int) -> int:
        return log_in(app, f"203.0.113.{number}", owner, f"guess-horse-{number}")

    with ThreadPoolExecutor(6) as together:
        codes = sorted(together.map(guess, range(24)))

    assert codes == [401] * 10 + [429] * 14


def test_known_address_has_ten_guesses_of_its_own(app: FastAPI, owner: Person) -> None:
    assert log_in(app, "192.0.2.1", owner) == 200

    codes = [log_in(app, "192.0.2.1", owner, "wrong") for _ in range(11)]

    assert codes == [401] * 10 + [429]
    assert log_in(app, "192.0.2.2", owner) == 200


def test_failing_makes_no_address_known(app: FastAPI, owner: Person) -> None:
    for _ in range(10):
        log_in(app, "203.0.113.9", owner, "wrong")

    assert log_in(app, "203.0.113.9", owner) == 429


def test_addresses_of_one_account_are_not_known_to_another(app: FastAPI, owner: Person) -> None:
    other = at(app, "192.0.2.1").sign_up("Elsewhere")
    assert log_in(app, "192.0.2.1", other) == 200
    for _ in range(10):
        log_in(app, "203.0.113.9", owner, "wrong")

    assert log_in(app, "192.0.2.1", owner) == 429


def test_household_of_ipv6_is_known_as_one(app: FastAPI, owner: Person) -> None:
    assert log_in(app, "2001:db8:1:2::1", owner) == 200
    for _ in range(10):
        log_in(app, "2001:db8:9::9", owner, "wrong")

    assert log_in(app, "2001:db8:1:2:ffff::7", owner) == 200
    assert log_in(app, "2001:db8:1:3::1", owner) == 429


def test_address_is_known_for_ninety_days(app: FastAPI, owner: Person, clock: Clock) -> None:
    assert log_in(app, "192.0.2.1", owner) == 200
    clock.advance(days=90)
    for _ in range(10):
        log_in(app, "203.0.113.9", owner, "wrong")

    assert log_in(app, "192.0.2.1", owner) == 429


def test_known_addresses_of_an_account_are_bounded(
    app: FastAPI, owner: Person, clock: Clock, context: AppContext
) -> None:
    for number in range(25):
        assert log_in(app, f"192.0.2.{number}", owner) == 200
        clock.advance(seconds=1)

    with context.transactions.for_organizations(()) as session:
        hashes = [one.account_hash for one in session.exec(select(LoginAddress)).all()]
    assert max(hashes.count(one) for one in set(hashes)) == 20
    for _ in range(10):
        log_in(app, "203.0.113.9", owner, "wrong")
    assert log_in(app, "192.0.2.24", owner) == 200
    assert log_in(app, "192.0.2.0", owner) == 429


def test_unknown_accounts_are_counted_alike(app: FastAPI, visitor: Person) -> None:
    codes = [log_in(app, f"203.0.113.{n}", visitor, "wrong") for n in range(11)]

    assert codes == [401] * 10 + [429]
