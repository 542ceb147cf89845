"""Alerts in money and spending caps: told once in a period, and access ends at the very event."""

from __future__ import annotations

from typing import Any

import pytest

from api.context import AppContext
from services.rating.alerts.looking import look_at_next
from tests.api.people import Clock, Person
from tests.api.sold import V1, Sold, post, sell


def sell_calls(owner: Person, **charge: Any) -> Sold:
    """A subscribed customer without limits, whose calls cost a half each, or what is said."""
    sold = sell(owner, usage_limit=None)
    whole = {"type": "USAGE", "meter_id": sold.feature["meter_id"], "unit_price": "0.5"}
    post(owner, f"/plans/{sold.plan['id']}/charges", whole | charge)
    sold.subscribe()
    return sold


def watch(sold: Sold, *thresholds: Any, **more: Any) -> dict[str, Any]:
    subject = {"customer_id": sold.customer["id"]} | more.pop("subject", {})
    body = {"on": "spend", "subject": subject, "thresholds": list(thresholds)} | more
    return dict(post(sold.owner, "/alerts", body))


def look(context: AppContext, clock: Clock) -> None:
    """What the relay does."""
    while look_at_next(context.transactions, now=clock.instant):
        pass


def crossings(sold: Sold, alert: dict[str, Any]) -> list[tuple[Any, Any, int]]:
    found = sold.owner.get(f"{V1}/alerts/{alert['id']}/crossings").json()["data"]
    return [(one["threshold"], one["value"], one["number"]) for one in found]


def test_access_ends_at_the_event_that_reaches_the_cap(owner: Person) -> None:
    sold = sell_calls(owner)
    assert sold.check()["has_access"]
    cap = watch(sold, 10, action="block")

    sold.used(19)
    assert sold.check()["has_access"]
    event = sold.used(1)

    assert (sold.check()["has_access"], sold.check()["reason"]) == (False, "spending_cap")
    every = sold.owner.get(f"{V1}/customers/acct_77/entitlements").json()["data"]
    assert [one["reason"] for one in every] == ["spending_cap"]
    sold.owner.post(f"{V1}/usage/{event['id']}/void")
    assert sold.check()["has_access"]
    sold.used(1)
    assert not sold.check()["has_access"]
    assert sold.owner.delete(f"{V1}/alerts/{cap['id']}").status_code == 204
    assert sold.check()["has_access"]


def test_a_cap_in_money_sees_what_no_credit_in_its_unit_pays(owner: Person) -> None:
    post(owner, "/units", {"code": "TOKENS", "name": "Tokens", "scale": 0, "tax": "at_purchase"})
    sold = sell_calls(owner, unit_price=1, unit="TOKENS", overage_rate="0.5")
    tokens = {"unit": "TOKENS", "amount": 4}
    post(owner, f"/customers/{sold.customer['id']}/grants", tokens)
    watch(sold, 10, action="block")

    sold.used(23)
    assert sold.check()["has_access"]
    event = sold.used(1)
    assert (sold.check()["has_access"], sold.check()["reason"]) == (False, "spending_cap")
    sold.owner.post(f"{V1}/usage/{event['id']}/void")
    assert sold.check()["has_access"]
    watch(sold, 23, action="block", subject={"unit": "TOKENS"})
    assert sold.check()["reason"] == "spending_cap"


@pytest.mark.parametrize("of", ["subscription_id", "meter_id"])
def test_a_cap_is_of_a_subscription_or_a_meter(owner: Person, of: str) -> None:
    sold = sell_calls(owner)
    ids = {
        "subscription_id": sold.owner.get(f"{V1}/subscriptions").json()["data"][0]["id"],
        "meter_id": sold.feature["meter_id"],
    }
    watch(sold, 10, action="block", subject={of: ids[of]})

    sold.used(20)

    assert sold.check()["reason"] == "spending_cap"


def test_a_threshold_is_told_once_in_a_period(
    owner: Person, context: AppContext, clock: Clock
) -> None:
    sold = sell_calls(owner)
    alert = watch(sold, 5, 10, 20)

    for _ in range(3):
        sold.used(9)
        look(context, clock)
        look(context, clock)

    assert crossings(sold, alert) == [(5, 9, 1), (10, 13.5, 1)]


def test_a_threshold_is_told_again_after_recovery_only_if_it_rearms(
    owner: Person, context: AppContext, clock: Clock
) -> None:
    sold = sell_calls(owner)
    once, again = watch(sold, 10), watch(sold, 10, rearm=True)

    for _ in range(2):
        event = sold.used(20)
        look(context, clock)
        sold.owner.post(f"{V1}/usage/{event['id']}/void")
        look(context, clock)

    assert crossings(sold, once) == [(10, 10, 1)]
    assert crossings(sold, again) == [(10, 10, 1), (10, 10, 2)]


def test_usage_and_credit_are_watched_too(owner: Person, context: AppContext, clock: Clock) -> None:
    sold = sell_calls(owner)
    post(owner, f"/customers/{sold.customer['id']}/grants", {"unit": "USD", "amount": 20})
    meter = {"meter_id": sold.feature["meter_id"]}
    used = watch(sold, 15, on="usage", subject=meter)
    left = watch(sold, 10, on="available", subject={"unit": "USD"})
    look(context, clock)
    assert crossings(sold, used) == crossings(sold, left) == []

    sold.used(20)
    look(context, clock)

    assert crossings(sold, used) == [(15, 20, 1)]
    assert crossings(sold, left) == [(10, 10, 1)]


def test_usage_that_nothing_charges_is_watched_too(
    owner: Person, context: AppContext, clock: Clock
) -> None:
    sold = sell(owner, usage_limit=None)
    meter = {"meter_id": sold.feature["meter_id"]}
    alert = watch(sold, 100, on="usage", subject=meter, rearm=True)
    sold.used(150, "2026-03-01T06:00:00Z")
    look(context, clock)
    assert crossings(sold, alert) == []
    sold.subscribe()
    sold.subscribe("2026-03-01T00:00:00Z")

    event = sold.used(50, "2026-03-01T07:00:00Z")
    look(context, clock)
    assert crossings(sold, alert) == [(100, 200, 1)]
    sold.owner.post(f"{V1}/usage/{event['id']}/void")
    sold.used(5, "2026-03-01T07:00:00Z")
    look(context, clock)
    assert crossings(sold, alert) == [(100, 200, 1)]


def test_nobody_looks_where_nobody_watches(
    owner: Person, context: AppContext, clock: Clock
) -> None:
    sold = sell_calls(owner)

    sold.used(20)

    assert not look_at_next(context.transactions, now=clock.instant)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"thresholds": []}, 422, "no_thresholds"),
        ({"thresholds": list(range(21))}, 422, "too_many_thresholds"),
        ({"thresholds": [1, 1]}, 422, "threshold_repeated"),
        ({"direction": "down"}, 422, "direction_of_alert"),
        ({"on": "usage"}, 422, "no_meter"),
        ({"on": "available", "action": "block"}, 422, "action_of_alert"),
        ({"subject": {}}, 422, "no_subject"),
    ],
)
def test_an_alert_that_makes_no_sense_is_refused(
    owner: Person, changes: dict[str, Any], status: int, code: str
) -> None:
    sold = sell_calls(owner)
    body = {
        "on": "spend",
        "subject": {"customer_id": sold.customer["id"]},
        "thresholds": [10],
    }

    answer = owner.post(f"{V1}/alerts", json=body | changes)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
