"""What closes tonight is asked of the list of subscriptions."""

from __future__ import annotations

from tests.api.people import Person
from tests.api.sold import V1, post, sell


def test_running_periods_that_end_before_an_instant_are_listed(owner: Person) -> None:
    sold = sell(owner)
    early = sold.subscribe("2026-02-04T00:00:00Z")
    customer = post(owner, "/customers", {"name": "Acme", "email": "a@acme.test"})
    sold.subscribe("2026-03-01T00:00:00Z", customer_id=customer["id"])

    def listed(before: str) -> list[str]:
        found = owner.get(f"{V1}/subscriptions", params={"period_ends_before": before})
        assert found.status_code == 200, found.text
        return [one["id"] for one in found.json()["data"]]

    assert listed("2026-03-04T00:00:00Z") == []
    assert listed("2026-03-04T00:00:01Z") == listed("2026-03-05") == [early["id"]]
    assert len(listed("2026-04-02")) == 2
    assert owner.get(f"{V1}/subscriptions?period_ends_before=tonight").status_code == 422


def test_those_on_test_clocks_are_listed_or_left_out(owner: Person) -> None:
    sold = sell(owner)
    clock = post(owner, "/test-clocks", {"name": "Past", "frozen_time": "2025-01-20T00:00:00Z"})
    body = {"name": "Acme", "email": "a@acme.test", "test_clock_id": clock["id"]}
    there = post(owner, "/customers", body)
    on_clock = sold.subscribe("2025-01-01T00:00:00Z", customer_id=there["id"])
    on_none = sold.subscribe("2026-03-01T00:00:00Z")

    def listed(**asked: str) -> list[str]:
        found = owner.get(
            f"{V1}/subscriptions", params={"period_ends_before": "2027-01-01"} | asked
        )
        return [one["id"] for one in found.json()["data"]]

    assert listed() == [on_clock["id"], on_none["id"]]
    assert listed(on_test_clock="true") == [on_clock["id"]]
    assert listed(on_test_clock="false") == [on_none["id"]]


def test_what_has_ended_closes_no_more(owner: Person) -> None:
    subscription = sell(owner).subscribe("2026-03-01T00:00:00Z")
    gone = {"cancel_at_period_end": False}
    post(owner, f"/subscriptions/{subscription['id']}/cancel", gone)

    found = owner.get(f"{V1}/subscriptions", params={"period_ends_before": "2027-01-01"})

    assert found.json()["data"] == []
