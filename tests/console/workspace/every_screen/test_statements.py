"""No screen asks the database once for each row: many rows take the statements of a few."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from psycopg import AsyncCursor
from sqlalchemy import Engine, event

from api import idle_connections
from tests.api.people import Person
from tests.api.sold import post
from tests.console.billed import billed, buyer, issue
from tests.console.workspace.test_paging import add_alert, add_coupon, add_grant, add_rule

FEW, MANY = 2, 12
LISTS = (
    *("customers", "invoices", "payments", "audit", "plans", "meters", "subscriptions"),
    *("coupons", "alerts", "dunning", "requests"),
)
OF_SESSIONS = ("user_session", "set_config")
"""Whoever was known a second ago is not asked for again, so a slow machine asks more often."""
SIGN_OF_LIFE = "SELECT 1"
BY_ITSELF = ("BEGIN; SET LOCAL", "logged_request")
"""What keys sent is written once a second, whatever is asked meanwhile."""
OPENING = "SET "
"""A connection that rested is asked whether it lives, a new one made ready: as time passes."""


@contextmanager
def counted() -> Iterator[list[str]]:
    """Every statement that is sent meanwhile, but for those that say who asks."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not any(one in statement for one in OF_SESSIONS):
            sent.append(statement)

    execute: Any = AsyncCursor.execute

    async def note_in_front(cursor: Any, statement: Any, *values: Any, **options: Any) -> Any:
        # What is answered in front of the framework says in its one statement whose it is.
        text = str(statement)
        is_asked = not any(one in text for one in BY_ITSELF)
        if is_asked and text != SIGN_OF_LIFE and not text.startswith(OPENING):
            sent.append(text)
        return await execute(cursor, statement, *values, **options)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        with patch.object(AsyncCursor, "execute", note_in_front):
            yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def statements_of(owner: Person, name: str) -> int:
    """How many statements a list takes, once whatever is cached is there."""
    owner.get(f"/console/{name}")
    with counted() as sent:
        assert owner.get(f"/console/{name}").status_code == 200
    return len(sent)


def sell_to(owner: Person, first: int, last: int) -> None:
    for number in range(first, last):
        customer = buyer(owner, external_id=f"acct_{number}", name=f"Buyer {number}")
        issue(owner, customer)
        watched = {"on": "spend", "subject": {"customer_id": customer}, "thresholds": [number]}
        post(owner, "/alerts", watched)
        post(owner, "/coupons", {"code": f"SPRING-{number}", "percent": 10})


@pytest.fixture
def taken(owner: Person) -> dict[str, tuple[int, int]]:
    """By list, the statements that few rows take, and those that many take."""
    billed(owner)
    sell_to(owner, 100, 100 + FEW)
    few = {name: statements_of(owner, name) for name in LISTS}
    sell_to(owner, 200, 200 + MANY)
    return {name: (few[name], statements_of(owner, name)) for name in LISTS}


def test_many_rows_take_the_statements_of_a_few(taken: dict[str, tuple[int, int]]) -> None:
    assert all(few for few, _ in taken.values())
    assert {name: both for name, both in taken.items() if both[0] != both[1]} == {}


def test_connections_that_rested_take_no_statement_of_a_list(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    billed(owner)
    used = statements_of(owner, "customers")

    monkeypatch.setattr(idle_connections, "IDLE_SECONDS", -1.0)

    assert statements_of(owner, "customers") == used


def test_rows_within_a_screen_take_no_statement_each(owner: Person) -> None:
    customer = buyer(owner)
    screens = [f"customers/{customer}{rest}" for rest in ("", "/alerts", "/credits?unit=USD")]

    def add(first: int, last: int) -> dict[str, int]:
        for number in range(first, last):
            for add_one in (add_alert, add_coupon, add_grant, add_rule):
                add_one(owner, customer, number)
        return {one: statements_of(owner, one) for one in screens}

    few, many = add(1, FEW + 1), add(FEW + 1, MANY + 1)

    assert few == many
