"""Pinned subscriptions move to the newest version of their plan (CONTRACT 14, 39)."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from tests.api.people import Person
from tests.api.sold import V1, Sold, post, sell


def raise_limit(sold: Sold, usage_limit: int) -> None:
    """Edit the plan, which makes a new version."""
    plan = sold.owner.get(f"{V1}/plans/{sold.plan['id']}").json()
    path = f"{V1}/plans/{plan['id']}/features/{plan['features'][0]['id']}"
    answer = sold.owner.patch(path, json={"usage_limit": usage_limit})
    assert answer.status_code == 200, answer.text


def version_of(owner: Person, subscription: dict[str, Any]) -> int:
    return int(owner.get(f"{V1}/subscriptions/{subscription['id']}").json()["plan_version"])


def test_pinned_subscriptions_move_and_others_do_not(owner: Person) -> None:
    sold = sell(owner)
    pinned = sold.subscribe(version_policy="pinned")
    latest = sold.subscribe()
    ended = sold.subscribe(version_policy="pinned")
    post(owner, f"/subscriptions/{ended['id']}/cancel", {"cancel_at_period_end": False})
    raise_limit(sold, 2000)
    path = f"/plans/{sold.plan['id']}/migrate"
    before, newest = version_of(owner, pinned), version_of(owner, latest)

    preview = post(owner, path, {"preview": True})
    unchanged = version_of(owner, pinned)
    moved = post(owner, path, {})

    change = {"subscription_id": pinned["id"], "from_version": before, "to_version": newest}
    begin = "2026-04-01T00:00:00Z"
    assert preview == moved == {"subscriptions": 1, "effective_from": begin, "data": [change]}
    assert unchanged == before
    assert version_of(owner, pinned) == newest
    assert version_of(owner, ended) == before
    assert owner.get(f"{V1}/subscriptions/{pinned['id']}").json()["version"] == before
    assert sold.check()["limit"] == 1000


def test_moving_twice_moves_nobody(owner: Person) -> None:
    sold = sell(owner)
    sold.subscribe(version_policy="pinned")
    raise_limit(sold, 2000)
    path = f"/plans/{sold.plan['id']}/migrate"

    first = post(owner, path, {"preview": False})
    second = post(owner, path, {})

    assert first["subscriptions"] == 1
    assert (second["subscriptions"], second["data"]) == (0, [])


def test_running_period_is_billed_by_the_new_version_if_asked(owner: Person) -> None:
    sold = sell(owner)
    charge = {"type": "USAGE", "meter_id": sold.feature["meter_id"], "unit_price": 1}
    post(owner, f"/plans/{sold.plan['id']}/charges", charge)
    subscription = sold.subscribe(version_policy="pinned")
    sold.used(1500)
    raise_limit(sold, 1400)

    path = f"/subscriptions/{subscription['id']}/preview-invoice"
    as_sold = post(owner, path, {})["total"]
    moved = post(owner, f"/plans/{sold.plan['id']}/migrate", {"effective": "running_period"})
    as_moved = post(owner, path, {})["total"]

    assert (as_sold, as_moved) == (500, 100)
    assert moved["effective_from"] == "2026-03-01T00:00:00Z"
    assert sold.check()["limit"] == 1400


def test_unknown_plan_and_unknown_fields_are_refused(owner: Person) -> None:
    sold = sell(owner)

    assert owner.post(f"{V1}/plans/{uuid4()}/migrate", json={}).status_code == 404
    answer = owner.post(f"{V1}/plans/{sold.plan['id']}/migrate", json={"dry_run": True})
    assert answer.status_code == 422
