"""A meter that another subscription charges meanwhile is refused, and the answer says whose."""

from __future__ import annotations

from typing import Any

from tests.api.people import Person
from tests.api.sold import V1, Sold, post, sell


def sell_metered(owner: Person) -> Sold:
    """A plan that charges a dollar a call."""
    sold = sell(owner)
    charge = {"type": "USAGE", "meter_id": sold.feature["meter"]["id"], "unit_price": 1}
    post(owner, f"/plans/{sold.plan['id']}/charges", charge)
    return sold


def subscribe_again(sold: Sold, start_date: str) -> Any:
    body = {
        "customer_id": sold.customer["id"],
        "plan_id": sold.plan["id"],
        "start_date": start_date,
    }
    return sold.owner.post(f"{V1}/subscriptions", json=body)


def test_live_subscription_is_named_and_nothing_is_free(owner: Person) -> None:
    sold = sell_metered(owner)
    first = sold.subscribe()

    answer = subscribe_again(sold, "2026-03-01T00:00:00Z")

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (409, "meter_already_billed")
    assert problem["subscription_id"] == first["id"]
    assert problem["free_from"] is None
    assert problem["errors"][0]["field"] == "plan_id"


def test_planned_end_is_when_the_meter_is_free(owner: Person) -> None:
    sold = sell_metered(owner)
    first = sold.subscribe()
    canceled = post(owner, f"/subscriptions/{first['id']}/cancel", {})

    refused = subscribe_again(sold, "2026-03-01T00:00:00Z").json()
    accepted = subscribe_again(sold, canceled["current_period_end"])

    assert refused["subscription_id"] == first["id"]
    assert refused["free_from"] == canceled["current_period_end"]
    assert accepted.status_code == 201
    back = owner.post(f"{V1}/subscriptions/{first['id']}/reactivate")
    assert (back.status_code, back.json()["code"]) == (409, "meter_already_billed")
