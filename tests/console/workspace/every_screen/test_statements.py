"""No screen asks the database once for each row: many rows take the statements of a few.

Parked bills, deliveries, sessions and what an edit of prices costs whom are as many in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from psycopg import AsyncCursor
from sqlalchemy import Engine, event

from api import idle_connections
from console.workspace.frame import HOME, SEE_OTHER
from repositories.transactions import Transactions
from tests.api.people import Clock, Person
from tests.api.sold import V1
from tests.console.billed import billed
from tests.console.workspace.every_screen.rows import add_rows
from tests.console.workspace.every_screen.test_matrix import addresses
from tests.console.workspace.furnishing import furnish
from tests.console.workspace.test_paging import add_grant

FEW, MANY = 2, 12
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
    """How many statements a screen takes, once whatever is cached is there."""
    address = f"{HOME}/{name}".rstrip("/")
    is_part = owner.get(address, follow_redirects=False).status_code == SEE_OTHER
    asks = {"HX-Request": "true"} if is_part else {}
    owner.get(address, headers=asks)
    with counted() as sent:
        answer = owner.get(address, headers=asks, follow_redirects=False)
    assert answer.status_code == 200, (name, answer.status_code)
    return len(sent)


def screens(ids: Mapping[str, str]) -> list[str]:
    """Every screen and every part that follows one, but for what is told as it happens."""
    customer = ids["customers"]
    return [
        *(one.removeprefix(HOME).removeprefix("/") for one in addresses(ids)),
        *(f"customers/{customer}/credits?unit={unit}" for unit in ("USD", "TOKENS")),
        "search?q=buyer",
    ]


def test_many_rows_take_the_statements_of_a_few(
    owner: Person, transactions: Transactions, clock: Clock
) -> None:
    ids = furnish(owner, transactions, clock)
    in_a_country = {"billing_address_country": "GB"}
    assert owner.patch(f"{V1}/customers/{ids['customers']}", json=in_a_country).status_code == 200
    add_grant(owner, ids["customers"], 1_000_000)  # so that there is some to draw on, always
    add_rows(owner, ids, clock, 1, FEW + 1)
    few = {one: statements_of(owner, one) for one in screens(ids)}

    add_rows(owner, ids, clock, FEW + 1, MANY + 1)

    many = {one: statements_of(owner, one) for one in screens(ids)}
    assert all(few.values())
    assert {one: (few[one], many[one]) for one in few if few[one] != many[one]} == {}


def test_connections_that_rested_take_no_statement_of_a_list(
    owner: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    billed(owner)
    used = statements_of(owner, "customers")

    monkeypatch.setattr(idle_connections, "IDLE_SECONDS", -1.0)

    assert statements_of(owner, "customers") == used
