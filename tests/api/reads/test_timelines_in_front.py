"""Timelines in front of the framework say what it says, byte for byte, or are left to it."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
from fastapi import FastAPI

from api.context import AppContext
from api.reads.written.views import WrittenViews
from api.transport.fast_path import FastRoutes
from tests.api.invoicing.previewed import Prepare
from tests.api.invoicing.test_previews_in_front import (
    canceled_at_its_end,
    resumed,
    unused,
    with_add_on,
    with_late_usage,
)
from tests.api.parked_bills import park
from tests.api.people import Clock, Person
from tests.api.sold import V1, Sold, add_plan, post, sell


def told(owner: Person, subscription: dict[str, Any]) -> tuple[bool, Any]:
    """Whether a timeline is told in front, and what both ways say, which is the same."""
    path = f"{V1}/subscriptions/{subscription['id']}/timeline"
    written: list[bytes] = []
    write = WrittenViews.write

    def noticing(*asked: Any) -> bytes:
        written.append(write(*asked))
        return written[-1]

    with patch.object(WrittenViews, "write", noticing):
        in_front = owner.get(path)
    with patch.object(FastRoutes, "find", lambda _front, _scope: False):
        behind = owner.get(path)
    assert (in_front.status_code, in_front.content) == (behind.status_code, behind.content)
    return bool(written), in_front.json()


def billed(sold: Sold) -> dict[str, Any]:
    subscription = sold.subscribe("2025-12-15T00:00:00Z")
    path = f"/subscriptions/{subscription['id']}/generate-invoice"
    for bill in post(sold.owner, path, {})["data"][:2]:
        post(sold.owner, f"/invoices/{bill['id']}/finalize", {})
    return subscription


def on_its_way_to_another_plan(sold: Sold) -> dict[str, Any]:
    subscription = sold.subscribe()
    asked = {"plan_id": add_plan(sold.owner, "other")["id"], "when": "period_end"}
    post(sold.owner, f"/subscriptions/{subscription['id']}/change-plan", asked)
    return subscription


def granted_again(sold: Sold) -> dict[str, Any]:
    rule = {"unit": "USD", "amount": 5, "interval": "month"}
    post(sold.owner, f"/customers/{sold.customer['id']}/grant-rules", rule)
    return sold.subscribe()


@pytest.mark.parametrize(
    "prepare",
    [
        unused,
        resumed,
        canceled_at_its_end,
        with_add_on,
        with_late_usage,
        billed,
        on_its_way_to_another_plan,
        granted_again,
    ],
)
def test_a_plain_timeline_is_told_in_front_and_alike(owner: Person, prepare: Prepare) -> None:
    is_in_front, said = told(owner, prepare(sell(owner)))

    assert is_in_front
    assert said["past"]
    assert said["upcoming"]


def test_what_somebody_did_about_a_bill_is_told_behind(
    owner: Person, context: AppContext, clock: Clock
) -> None:
    parked = sell(owner).subscribe("2026-02-01T00:00:00Z")
    park(owner, context, clock, parked["id"])
    assert told(owner, parked)[0]
    post(owner, f"/subscriptions/{parked['id']}/periods/0/skip", {"reason": "Agreed."})

    is_in_front, said = told(owner, parked)

    assert not is_in_front
    assert "Agreed." in [one["detail"] for one in said["past"]]


def test_a_timeline_on_a_test_clock_is_told_in_front(owner: Person) -> None:
    sold = sell(owner)
    clock = post(owner, "/test-clocks", {"name": "A", "frozen_time": "2026-01-20T00:00:00Z"})
    body = {"name": "Acme", "email": "ap@acme.test", "test_clock_id": clock["id"]}
    customer = post(owner, "/customers", body)

    is_in_front, said = told(owner, sold.subscribe(customer_id=customer["id"]))

    assert is_in_front
    assert said["upcoming"]


def test_a_deleted_subscription_and_one_of_others_have_no_timeline(
    owner: Person, app: FastAPI
) -> None:
    stranger = Person(app).sign_up("Elsewhere")
    subscription = sell(owner).subscribe()
    path = f"{V1}/subscriptions/{subscription['id']}"

    assert stranger.get(f"{path}/timeline").status_code == 404
    assert owner.delete(path).status_code == 204
    assert owner.get(f"{path}/timeline").json()["code"] == "subscription_not_found"
    assert owner.get(f"{V1}/subscriptions/nobody/timeline").status_code == 422
