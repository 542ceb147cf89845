"""A remembered check answers as one that is made for the first time, whatever changed since."""

from __future__ import annotations

from fastapi import FastAPI

from services.entitlement_checks import CheckMemory
from tests.api.people import Clock, Person
from tests.api.sold import V1, add_plan, grant_feature, post, sell


def test_repeated_checks_see_every_change(owner: Person, app: FastAPI, clock: Clock) -> None:
    sold = sell(owner)
    larger = add_plan(owner, "larger")
    grant_feature(owner, larger, sold.feature, usage_limit=5000)
    granted = owner.get(f"{V1}/plans/{sold.plan['id']}").json()["features"][0]
    answers = []

    def check() -> None:
        remembered = sold.check()
        memory, app.state.check_memory = app.state.check_memory, CheckMemory()
        assert remembered == sold.check()
        app.state.check_memory = memory
        assert remembered == sold.check()
        answers.append((remembered["limit"], remembered["usage"], remembered["has_access"]))

    check()
    subscription = sold.subscribe()
    check()
    event = sold.used(400)
    check()
    owner.post(f"{V1}/usage/{event['id']}/amend", json={"quantity": 300})
    check()
    path = f"{V1}/plans/{sold.plan['id']}/features/{granted['id']}"
    owner.patch(path, json={"usage_limit": 250})
    check()
    owner.patch(path, json={"is_enabled": False})
    check()
    second = sold.subscribe(plan_id=larger["id"])
    check()
    sold.used(7)
    check()
    post(owner, f"/subscriptions/{second['id']}/cancel", {"cancel_at_period_end": False})
    check()
    owner.patch(path, json={"is_enabled": True, "usage_limit": 1000})
    check()
    owner.delete(f"{V1}/subscriptions/{subscription['id']}")
    check()

    assert answers == [
        (None, None, False),
        (1000, 0, True),
        (1000, 400, True),
        (1000, 300, True),
        (250, 300, False),
        (250, 300, False),
        (5000, 300, True),
        (5000, 307, True),
        (250, 307, False),
        (1000, 307, True),
        (None, None, False),
    ]


def test_time_alone_ends_what_is_remembered(owner: Person, clock: Clock) -> None:
    sold = sell(owner, usage_reset_period="day")
    sold.subscribe()
    sold.used(1000)

    full = [sold.check()["has_access"] for _ in range(2)]
    clock.advance(days=1)
    empty = [sold.check()["has_access"] for _ in range(2)]

    assert (full, empty) == ([False, False], [True, True])
