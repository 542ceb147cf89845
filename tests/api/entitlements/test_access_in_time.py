"""Access begins, changes and ends with the subscription that gives it."""

from __future__ import annotations

from tests.api.people import Clock, Person
from tests.api.sold import V1, add_plan, grant_feature, post, sell


def test_without_a_live_subscription_there_is_no_access(owner: Person) -> None:
    sold = sell(owner)

    before = sold.check()
    subscription = sold.subscribe()
    during = sold.check()
    path = f"{V1}/subscriptions/{subscription['id']}/cancel"
    owner.post(path, json={"cancel_at_period_end": False})
    after = sold.check()

    assert [one["has_access"] for one in (before, during, after)] == [False, True, False]
    assert before["reason"] == after["reason"] == "no_subscription"
    assert (before["usage"], before["subscription_id"]) == (None, None)


def test_access_starts_with_the_subscription_and_ends_with_it(owner: Person, clock: Clock) -> None:
    sold = sell(owner)
    subscription = sold.subscribe("2026-03-05T00:00:00Z")
    post(owner, f"/subscriptions/{subscription['id']}/cancel", {"cancel_at_period_end": True})

    early = sold.check()
    clock.advance(days=4)
    running = sold.check()
    clock.advance(days=29)
    last_day = sold.check()
    clock.advance(days=1)
    over = sold.check()

    assert [one["has_access"] for one in (early, running, last_day, over)] == [
        False,
        True,
        True,
        False,
    ]
    assert early["reason"] == over["reason"] == "no_subscription"


def test_trial_has_a_window_of_its_own(owner: Person, clock: Clock) -> None:
    sold = sell(owner)
    sold.subscribe("2026-03-01T00:00:00Z", trial_end_date="2026-03-15T00:00:00Z")
    sold.used(1000, "2026-03-02T00:00:00Z")

    trial = sold.check()
    clock.advance(days=14)
    paid = sold.check()

    assert (trial["usage"], trial["has_access"]) == (1000, False)
    assert trial["resets_at"] == "2026-03-15T00:00:00Z"
    assert (paid["usage"], paid["has_access"]) == (0, True)
    assert paid["resets_at"] == "2026-04-15T00:00:00Z"


def test_planned_change_of_plan_holds_from_the_boundary(owner: Person, clock: Clock) -> None:
    sold = sell(owner)
    subscription = sold.subscribe()
    larger = add_plan(owner, "larger")
    grant_feature(owner, larger, sold.feature, usage_limit=5000)
    owner.post(
        f"{V1}/subscriptions/{subscription['id']}/change-plan",
        json={"plan_id": larger["id"], "when": "period_end"},
    )

    before = sold.check()
    clock.advance(days=30)
    after = sold.check()

    assert (before["limit"], after["limit"]) == (1000, 5000)


def test_edit_for_running_periods_holds_at_once_unless_the_version_is_pinned(owner: Person) -> None:
    sold = sell(owner)
    granted = owner.get(f"{V1}/plans/{sold.plan['id']}").json()["features"][0]
    sold.subscribe(version_policy="pinned")
    other = post(owner, "/customers", {"name": "Pier", "email": "a@pier.test", "external_id": "b"})
    post(
        owner,
        "/subscriptions",
        {
            "customer_id": other["id"],
            "plan_id": sold.plan["id"],
            "start_date": "2026-03-01T00:00:00Z",
        },
    )
    assert sold.check(customer="b")["limit"] == 1000

    path = f"{V1}/plans/{sold.plan['id']}/features/{granted['id']}"
    owner.patch(path, json={"usage_limit": 7, "effective": "running_period"})

    assert sold.check()["limit"] == 1000
    assert sold.check(customer="b")["limit"] == 7


def test_customer_on_a_test_clock_lives_by_it(owner: Person) -> None:
    sold = sell(owner)
    frozen = post(owner, "/test-clocks", {"name": "past", "frozen_time": "2024-01-10T00:00:00Z"})
    customer = post(
        owner,
        "/customers",
        {"name": "Old", "email": "o@old.test", "external_id": "o", "test_clock_id": frozen["id"]},
    )
    sold.subscribe("2024-01-01T00:00:00Z", customer_id=customer["id"])
    sold.used(4, "2024-01-09T00:00:00Z", customer_external_id="o")

    answer = sold.check(customer="o")

    assert (answer["usage"], answer["resets_at"]) == (4, "2024-02-01T00:00:00Z")
