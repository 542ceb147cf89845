"""Holds that share a statement: what becomes of them when it is slow, lost or refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock
from uuid import UUID

import psycopg
import pytest
from psycopg import OperationalError

from api.access import authentication
from api.app import create_app
from api.context import AppContext
from api.schemas.credits.holds import HoldCreate
from repositories.entitlements.hold_groups import Placed, place_holds
from repositories.transactions import Transactions
from runtime.security import Security
from services.credits import holds
from tests.api.people import Person
from tests.api.sold import V1, post
from tests.servers import superuser_url

PATH = f"{V1}/credits/holds"
ID = "0195e2a1-7c1a-7000-8000-0000000000ab"
PATIENCE_SECONDS = 180


def make_customer(owner: Person, name: str) -> str:
    made = post(owner, "/customers", {"name": name, "email": f"{name}@example.com"})
    post(owner, f"/customers/{made['id']}/grants", {"unit": "USD", "amount": 10})
    return str(made["id"])


def body_of(customer_id: str, **more: Any) -> dict[str, Any]:
    until = "2026-03-02T08:10:00Z"
    return {"customer_id": customer_id, "unit": "USD", "amount": 4, "expires_at": until} | more


def read_held(owner: Person, customer_id: str) -> int:
    shown = owner.get(f"{V1}/customers/{customer_id}/balance?unit=USD")
    return int(shown.json()["held"])


@pytest.fixture
def organization_id(owner: Person) -> UUID:
    return UUID(owner.get(f"{V1}/organization").json()["id"])


@pytest.fixture
def is_stuck(module_database_url: str) -> Callable[[bool], bool]:
    """Whether a statement waits for a lock: one in front, or one of the framework's."""

    def look(in_front: bool) -> bool:
        with psycopg.connect(superuser_url(module_database_url)) as connection:
            found = connection.execute(
                "SELECT FROM pg_stat_activity WHERE datname = current_database()"
                " AND wait_event_type = 'Lock'"
                " AND (application_name = 'fluxrate usage') = %s",
                [in_front],
            )
            return found.fetchone() is not None

    return look


def wait_until(is_so: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < ends_at
        time.sleep(0.02)


def test_a_hold_whose_answer_is_lost_is_placed_once(
    context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def place_and_lose(*given: Any) -> list[Placed | None]:
        await place_holds(*given)
        raise OperationalError("the connection was lost after the statement")

    monkeypatch.setattr("api.context.place_holds", place_and_lose)
    person = Person(create_app(context)).sign_up()
    customer_id = make_customer(person, "quay")

    answer = person.post(PATH, json=body_of(customer_id))

    assert (answer.status_code, answer.json().get("amount")) == (201, 4)
    assert read_held(person, customer_id) == 4


def test_a_statement_that_takes_too_long_refuses_none_of_its_holds(
    owner: Person, module_database_url: str, is_stuck: Callable[[bool], bool]
) -> None:
    customer_id = make_customer(owner, "quay")

    with ThreadPoolExecutor(1) as thread:
        with psycopg.connect(superuser_url(module_database_url)) as other:
            other.execute("LOCK TABLE credit_hold IN SHARE MODE")
            placing = thread.submit(owner.post, PATH, json=body_of(customer_id))
            wait_until(lambda: placing.done() or is_stuck(False))
        placed = placing.result(PATIENCE_SECONDS)

    assert placed.status_code == 201
    assert read_held(owner, customer_id) == 4


def test_an_id_that_another_process_takes_meanwhile_is_refused(
    owner: Person,
    organization_id: UUID,
    transactions: Transactions,
    is_stuck: Callable[[bool], bool],
) -> None:
    customer_id, other = (make_customer(owner, name) for name in ("quay", "bay"))
    taken = HoldCreate.model_validate(body_of(other, id=ID)).command()

    with ThreadPoolExecutor(1) as thread:
        with transactions.for_organization(organization_id) as session:
            holds.hold(session, organization_id, taken, now=datetime(2026, 3, 2, 8, tzinfo=UTC))
            placing = thread.submit(owner.post, PATH, json=body_of(customer_id, id=ID))
            wait_until(lambda: placing.done() or is_stuck(True) or is_stuck(False))
        refused = placing.result(PATIENCE_SECONDS)

    assert (refused.status_code, refused.json()["code"]) == (409, "hold_exists")
    assert read_held(owner, customer_id) == 0


def test_a_key_that_nobody_has_is_looked_up_once(
    visitor: Person, monkeypatch: pytest.MonkeyPatch, security: Security
) -> None:
    looked_up = Mock(return_value=None)
    monkeypatch.setattr(authentication, "find_api_key", looked_up)

    key = security.new_api_key("sk_live")
    answer = visitor.post(PATH, json={}, headers={"X-API-Key": key})

    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_api_key")
    assert looked_up.call_count == 1
