"""What belongs to a customer and to a subscription (CONTRACT 3.5, 3.6, 47)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.people import Person
from tests.api.sold import V1, add_plan, post, sell


def read(owner: Person, path: str) -> dict[str, Any]:
    answer = owner.get(V1 + path)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_customers_subscriptions_are_listed(owner: Person) -> None:
    sold = sell(owner)
    first = sold.subscribe()
    second = sold.subscribe(plan_id=add_plan(owner, "other")["id"])
    another = post(owner, "/customers", {"name": "Pier", "email": "a@pier.test"})
    sold.subscribe(customer_id=another["id"])
    path = f"/customers/{sold.customer['id']}/subscriptions"

    found = read(owner, path)

    assert [one["id"] for one in found["data"]] == [first["id"], second["id"]]
    assert found["meta"]["total"] == 2
    assert read(owner, f"{path}?page_size=1&page=2")["data"][0]["id"] == second["id"]
    assert read(owner, f"{path}?status=canceled")["data"] == []


def test_invoices_are_listed_by_customer_and_by_subscription(owner: Person) -> None:
    sold = sell(owner)
    first = sold.subscribe()
    second = sold.subscribe(plan_id=add_plan(owner, "other")["id"])
    (billed,) = post(owner, f"/subscriptions/{first['id']}/generate-invoice", {})["data"]

    of_customer = read(owner, f"/customers/{sold.customer['id']}/invoices")
    of_first = read(owner, f"/subscriptions/{first['id']}/invoices")
    of_second = read(owner, f"/subscriptions/{second['id']}/invoices")

    assert [one["id"] for one in of_customer["data"]] == [billed["id"]]
    assert of_first["data"] == of_customer["data"]
    assert (of_second["data"], of_second["meta"]["total"]) == ([], 0)


def test_subscriptions_usage_is_that_of_the_current_period(owner: Person) -> None:
    sold = sell(owner)
    subscription = sold.subscribe("2026-02-15T10:20:30Z")
    sold.used(7, "2026-02-15T10:20:29Z")
    sold.used("1.25", "2026-02-15T10:20:30Z")
    sold.used(2, "2026-03-02T08:00:00Z")

    found = read(owner, f"/subscriptions/{subscription['id']}/usage")

    assert found == {
        "period_start": "2026-02-15T10:20:30Z",
        "period_end": "2026-03-15T10:20:30Z",
        "data": [
            {
                "meter_id": sold.feature["meter_id"],
                "meter_name": "api_calls",
                "name": "API Calls",
                "unit": None,
                "usage": 3.25,
                "event_count": 2,
            }
        ],
    }


@pytest.mark.parametrize(
    ("path", "malformed"),
    [
        ("/customers/{}/subscriptions", 404),
        ("/customers/{}/invoices", 404),
        ("/customers/{}/grant-rules", 404),
        ("/subscriptions/{}/invoices", 422),
        ("/subscriptions/{}/usage", 422),
        ("/subscriptions/{}/add-ons", 422),
        ("/invoices/{}/payments", 404),
        ("/invoices/{}/credit-notes", 404),
    ],
)
def test_lists_of_nothing_are_not_found(owner: Person, path: str, malformed: int) -> None:
    assert owner.get(V1 + path.format(uuid4())).status_code == 404
    assert owner.get(V1 + path.format("nobody")).status_code == malformed
