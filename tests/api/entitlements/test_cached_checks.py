"""A remembered check answers as one that is made for the first time, whatever changed since."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from fastapi import FastAPI

from api.context import state_of
from services.entitlements.cached_checks import CheckCache
from tests.api.people import Clock, Person
from tests.api.sold import V1, add_plan, grant_feature, post, sell


@contextmanager
def with_empty_cache(app: FastAPI) -> Iterator[None]:
    """Checks are made for the first time while the block runs."""
    held = state_of(app)
    app.state.held = replace(held, check_cache=CheckCache())
    yield
    app.state.held = held


def test_repeated_checks_see_every_change(owner: Person, app: FastAPI, clock: Clock) -> None:
    sold = sell(owner)
    larger = add_plan(owner, "larger")
    grant_feature(owner, larger, sold.feature, usage_limit=5000)
    granted = owner.get(f"{V1}/plans/{sold.plan['id']}").json()["features"][0]
    at_once = {"effective": "running_period"}

    def check() -> tuple[object, ...]:
        remembered = sold.check()
        with with_empty_cache(app):
            assert remembered == sold.check()
        assert remembered == sold.check()
        return remembered["limit"], remembered["usage"], remembered["has_access"]

    assert check() == (None, None, False)
    subscription = sold.subscribe()
    assert check() == (1000, 0, True)
    event = sold.used(400)
    assert check() == (1000, 400, True)
    owner.post(f"{V1}/usage/{event['id']}/amend", json={"quantity": 300})
    assert check() == (1000, 300, True)
    path = f"{V1}/plans/{sold.plan['id']}/features/{granted['id']}"
    owner.patch(path, json={"usage_limit": 200})
    assert check() == (1000, 300, True)
    owner.patch(path, json={"usage_limit": 250, **at_once})
    assert check() == (250, 300, False)
    owner.patch(path, json={"is_enabled": False, **at_once})
    assert check() == (250, 300, False)
    second = sold.subscribe(plan_id=larger["id"])
    assert check() == (5000, 300, True)
    sold.used(7)
    assert check() == (5000, 307, True)
    post(owner, f"/subscriptions/{second['id']}/cancel", {"cancel_at_period_end": False})
    assert check() == (250, 307, False)
    owner.patch(path, json={"is_enabled": True, "usage_limit": 1000, **at_once})
    assert check() == (1000, 307, True)
    owner.delete(f"{V1}/subscriptions/{subscription['id']}")
    assert check() == (None, None, False)


def test_time_alone_ends_what_is_remembered(owner: Person, clock: Clock) -> None:
    sold = sell(owner, usage_reset_period="day")
    sold.subscribe()
    sold.used(1000)

    full = [sold.check()["has_access"] for _ in range(2)]
    clock.advance(days=1)
    empty = [sold.check()["has_access"] for _ in range(2)]

    assert (full, empty) == ([False, False], [True, True])


@pytest.mark.parametrize("aggregation_type", ["SUM", "COUNT"])
def test_events_in_the_ragged_hours_of_a_window_count_at_once(
    owner: Person, app: FastAPI, aggregation_type: str
) -> None:
    # March's window is [08:20 of March 1, 08:20 of April 1): hour 8 of March 1 is partly outside.
    sold = sell(owner, meter={"aggregation_type": aggregation_type})
    sold.subscribe(start_date="2026-03-01T08:20:00Z")
    usages = []

    def check() -> None:
        remembered = [sold.check()["usage"] for _ in range(3)]
        with with_empty_cache(app):
            anew = sold.check()["usage"]
        assert remembered == [anew] * 3
        usages.append(anew)

    check()
    sold.used(5, "2026-03-01T08:19:59Z")
    check()
    inside = sold.used(7, "2026-03-01T08:20:00Z")
    check()
    sold.used(11, "2026-03-01T09:00:00Z")
    check()
    owner.post(f"{V1}/usage/{inside['id']}/amend", json={"quantity": 6})
    check()
    owner.post(f"{V1}/usage/{inside['id']}/void")
    check()

    counts = [0, 0, 1, 2, 2, 1]
    sums = [0, 0, 7, 18, 17, 11]
    assert usages == (counts if aggregation_type == "COUNT" else sums)


def test_what_nobody_can_be_called_is_not_remembered(owner: Person, app: FastAPI) -> None:
    sold = sell(owner)
    headers = {"X-API-Key": sold.key}

    nobody = owner.get(f"{V1}/customers/{'x' * 501}/entitlements/api_calls", headers=headers)
    nothing = owner.get(f"{V1}/customers/acct_77/entitlements/{'x' * 501}", headers=headers)

    assert (nobody.status_code, nobody.json()["code"]) == (404, "customer_not_found")
    assert (nothing.status_code, nothing.json()["code"]) == (404, "feature_not_found")
    assert not state_of(app).check_cache.checks
