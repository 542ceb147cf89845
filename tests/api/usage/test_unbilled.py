"""Usage that no subscription charges is listed, and reported by the hourly check (CONTRACT 98)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.people import Clock, Person
from tests.api.sold import add_feature, add_plan, post

V1 = "/api/v1"


class Business:
    """An organization with a plan that charges calls, and not storage; now is 2 March, 08:00."""

    def __init__(self, owner: Person) -> None:
        self.owner = owner
        self.calls = add_feature(owner, "calls")["meter"]["id"]
        self.storage = add_feature(owner, "storage", aggregation_type="MAX")["meter"]["id"]
        self.plan = add_plan(owner)["id"]
        self.charge = self.add_charge(self.plan, self.calls)

    def add_charge(self, plan: str, meter: str) -> str:
        body = {"type": "USAGE", "meter_id": meter, "unit_price": "0.01"}
        return str(post(self.owner, f"/plans/{plan}/charges", body)["id"])

    def add_customer(self, name: str, **options: Any) -> str:
        body = {"name": name, "external_id": name, "email": "ap@harbor.test", **options}
        return str(post(self.owner, "/customers", body)["id"])

    def subscribe(self, customer: str, start: str, **options: Any) -> str:
        body = {"customer_id": customer, "plan_id": self.plan, "start_date": start, **options}
        return str(post(self.owner, "/subscriptions", body)["id"])

    def use(self, name: str, meter: str, *events: tuple[str, int]) -> None:
        rows = [
            {"customer_external_id": name, "meter_id": meter, "quantity": quantity, "timestamp": at}
            for at, quantity in events
        ]
        assert post(self.owner, "/usage/batch", rows)["rejected"] == 0  # type: ignore[arg-type]  # an array

    def get(self, path: str, **query: Any) -> Any:
        answer = self.owner.get(V1 + path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def unbilled(self) -> list[tuple[str, str, float, int]]:
        """Customers, meters, usage and events of what nothing charges."""
        names = {self.calls: "calls", self.storage: "storage"}
        return sorted(
            (one["external_id"], names[one["meter_id"]], one["usage"], one["event_count"])
            for one in self.get("/usage/unbilled")["data"]
        )


@pytest.fixture
def business(owner: Person) -> Business:
    return Business(owner)


def test_usage_of_nobodys_subscription_is_listed_in_full(business: Business) -> None:
    business.use(
        "typo",
        business.calls,
        ("2026-02-10T10:59:00Z", 2),
        ("2026-02-10T10:05:07Z", 3),
        ("2026-03-01T07:00:00.5Z", 4),
        ("2026-01-25T00:00:00Z", 100),
    )
    customer = business.get("/customers")["data"][0]

    found = business.get("/usage/unbilled")

    assert customer["auto_created"] is True
    assert found == {
        "data": [
            {
                "customer_id": customer["id"],
                "external_id": "typo",
                "meter_id": business.calls,
                "usage": 9,
                "event_count": 3,
                "first_at": "2026-02-10T10:05:07Z",
                "last_at": "2026-03-01T07:00:00.500000Z",
            }
        ],
        "meta": {"page_size": 20, "next_cursor": None},
    }


def test_usage_that_a_subscription_charges_is_not_listed_and_after_its_end_is(
    business: Business,
) -> None:
    customer = business.add_customer("harbor")
    business.use("harbor", business.calls, ("2026-02-10T10:00:00Z", 1), ("2026-03-01T10:00:00Z", 1))
    assert business.unbilled() == [("harbor", "calls", 2, 2)]

    subscription = business.subscribe(customer, "2026-02-10T00:00:00Z")
    assert business.unbilled() == []

    post(business.owner, f"/subscriptions/{subscription}/cancel", {"cancel_at_period_end": False})
    business.use("harbor", business.calls, ("2026-03-02T08:04:00Z", 5))
    assert business.unbilled() == [("harbor", "calls", 5, 1)]


def test_usage_before_the_subscription_and_on_meters_without_a_price_is_listed(
    business: Business,
) -> None:
    customer = business.add_customer("harbor")
    business.subscribe(customer, "2026-02-20T09:30:00Z")
    business.use(
        "harbor",
        business.calls,
        ("2026-02-20T08:59:00Z", 10),
        ("2026-02-20T09:15:00Z", 100),
        ("2026-02-20T10:00:00Z", 1000),
    )
    business.use(
        "harbor", business.storage, ("2026-02-25T00:00:00Z", 7), ("2026-02-25T01:00:00Z", 5)
    )

    # Nobody can tell from an hour's roll-up what of it lies before 09:30.
    assert business.unbilled() == [("harbor", "calls", 10, 1), ("harbor", "storage", 7, 2)]


def test_trial_is_no_unbilled_usage(business: Business) -> None:
    customer = business.add_customer("harbor")
    business.subscribe(customer, "2026-02-25T00:00:00Z", trial_end_date="2026-03-20T00:00:00Z")
    business.use("harbor", business.calls, ("2026-02-26T00:00:00Z", 1))

    assert business.unbilled() == []


def test_customer_on_a_clock_has_days_of_that_clock(business: Business) -> None:
    clock = post(
        business.owner, "/test-clocks", {"name": "c", "frozen_time": "2025-06-30T00:00:00Z"}
    )
    business.add_customer("past", test_clock_id=clock["id"])
    business.use("past", business.calls, ("2025-05-25T23:00:00Z", 1), ("2025-05-26T00:00:00Z", 2))

    assert business.unbilled() == [("past", "calls", 2, 1)]


def test_void_events_and_deleted_customers_are_left_out(business: Business) -> None:
    gone = business.add_customer("gone")
    business.use("gone", business.calls, ("2026-02-10T00:00:00Z", 1))
    business.use("typo", business.calls, ("2026-02-10T00:00:01Z", 1), ("2026-02-10T00:00:02Z", 2))
    assert business.owner.delete(f"{V1}/customers/{gone}").status_code in (200, 204)
    first = business.get("/usage", page_size=100)["data"][1]["id"]
    post(business.owner, f"/usage/{first}/void", {})

    [found] = business.get("/usage/unbilled")["data"]

    assert (found["external_id"], found["usage"], found["event_count"]) == ("typo", 2, 1)
    assert found["first_at"] == found["last_at"] == "2026-02-10T00:00:02Z"


def test_cursor_walks_through_every_customer_once(business: Business) -> None:
    for number in range(7):
        business.use(f"c{number}", business.calls, ("2026-02-10T00:00:00Z", number + 1))

    seen: list[str] = []
    query: dict[str, Any] = {"page_size": 3}
    while True:
        part = business.get("/usage/unbilled", **query)
        seen += [one["external_id"] for one in part["data"]]
        if part["meta"]["next_cursor"] is None:
            break
        query["cursor"] = part["meta"]["next_cursor"]

    assert sorted(seen) == [f"c{number}" for number in range(7)]
    wrong = business.owner.get(f"{V1}/usage/unbilled", params={"cursor": "nowhere"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_cursor")


def test_hourly_check_reports_it_until_it_is_too_long_ago(business: Business, clock: Clock) -> None:
    business.use("typo", business.calls, ("2026-01-26T08:00:00Z", 1))
    customer = business.get("/customers")["data"][0]["id"]

    [finding] = business.get("/audit/coverage")["findings"]

    assert finding["kind"] == "unbilled_usage"
    assert (finding["customer_id"], finding["meter_id"]) == (customer, business.calls)
    assert finding["detail"] == "No subscription charges 1 events of the last 35 days."
    clock.advance(seconds=1)
    assert business.get("/audit/coverage")["findings"] == []
