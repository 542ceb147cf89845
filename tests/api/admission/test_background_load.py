"""Others load the API, and everybody else is answered as ever (CONTRACT 89, 101)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI

from tests.api.people import Person

V1 = "/api/v1"
SUBSCRIPTIONS = 12
LOG_INS = 30
GENEROUS_SECONDS = 10.0
"""A hundred times what an answer takes; a load that holds what others need takes longer."""


def backdate(owner: Person) -> list[str]:
    """Subscriptions to a daily plan, from two years before."""
    plan = {"name": "Daily", "lookup_id": "daily", "type": "HYBRID", "currency": "USD"}
    plan_id = made(owner, "/plans", plan | {"billing_interval": "day"})["id"]
    charge = {"type": "FIXED", "unit_price": "1.00", "display_name": "Day"}
    made(owner, f"/plans/{plan_id}/charges", charge)
    subscriptions = []
    for number in range(SUBSCRIPTIONS):
        who = {"name": f"C{number}", "email": "a@b.test", "billing_address_country": "DE"}
        ids = {"customer_id": made(owner, "/customers", who)["id"], "plan_id": plan_id}
        body = ids | {"start_date": "2024-03-01T00:00:00Z"}
        subscriptions.append(str(made(owner, "/subscriptions", body)["id"]))
    return subscriptions


def made(owner: Person, path: str, body: Any) -> dict[str, Any]:
    answer = owner.post(V1 + path, json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@contextmanager
def background_load(
    app: FastAPI, owner: Person, subscriptions: list[str]
) -> Iterator[list[Future[int]]]:
    """All cancel and log in at once; gives the status of each answer."""
    headers = {"Authorization": f"Bearer {owner.cookies['access_token']}"}

    def cancel(subscription: str) -> int:
        path = f"{V1}/subscriptions/{subscription}/cancel"
        body = {"cancel_at_period_end": False}
        return Person(app).post(path, json=body, headers=headers).status_code

    def log_in(number: int) -> int:
        body = {"email": f"nobody{number}@load.test", "password": "wrong-horse-9"}
        return Person(app).post(f"{V1}/auth/login", json=body).status_code

    with ThreadPoolExecutor(SUBSCRIPTIONS + LOG_INS) as pool:
        answers = [pool.submit(cancel, one) for one in subscriptions]
        answers += [pool.submit(log_in, number) for number in range(LOG_INS)]
        yield answers


def test_others_are_answered_while_one_organization_closes_years_and_thirty_guess_passwords(
    app: FastAPI, owner: Person
) -> None:
    subscriptions = backdate(owner)
    other = Person(app).sign_up("Harbor")
    meter = {"name": "Calls", "meter_name": "calls", "aggregation_type": "SUM"}
    made(other, "/meters", meter)
    event = {"meter_name": "calls", "customer_external_id": "acct", "quantity": 1}
    seen: list[int] = []
    slowest = 0.0

    with background_load(app, owner, subscriptions) as answers:
        while len(seen) < 60:
            began = time.monotonic()
            seen += [
                other.get(f"{V1}/plans").status_code,
                other.post(f"{V1}/usage", json=event).status_code,
                other.get("/readyz").status_code,
            ]
            slowest = max(slowest, time.monotonic() - began)

    assert seen == [200, 201, 200] * 20
    assert slowest < GENEROUS_SECONDS
    statuses = [answer.result() for answer in answers]
    assert set(statuses[:SUBSCRIPTIONS]) <= {200, 202, 503}
    assert set(statuses[SUBSCRIPTIONS:]) <= {401, 503}
