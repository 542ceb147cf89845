"""The relay is woken by requests that queued a message, and by no others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from api.context import AppContext
from tests.api.people import Person


@pytest.fixture
def announced() -> list[str]:
    """One entry for each time that the relay was woken."""
    return []


@pytest.fixture
def context(context: AppContext, announced: list[str]) -> AppContext:
    """Surroundings in which it is noted that the relay was woken."""
    return replace(context, announce=lambda: announced.append("woken"))


def create(owner: Person, path: str, body: dict[str, Any]) -> str:
    answer = owner.post(f"/api/v1{path}", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_only_requests_that_queued_a_message_wake_the_relay(
    owner: Person, announced: list[str]
) -> None:
    customer = create(owner, "/customers", {"name": "Ada", "email": "ada@example.com"})
    body = {"name": "Pro", "lookup_id": "pro", "type": "FIXED", "billing_interval": "MONTH"}
    plan = create(owner, "/plans", {**body, "currency": "USD"})
    for path in ("/customers", "/plans", f"/customers/{customer}", "/audit", "/usage"):
        assert owner.get(f"/api/v1{path}").status_code == 200
    assert announced == []

    subscription = {"customer_id": customer, "start_date": "2026-03-01T00:00:00Z"}
    create(owner, "/subscriptions", {**subscription, "plan_id": plan})

    assert announced == ["woken"]
    owner.get("/api/v1/subscriptions")
    assert announced == ["woken"]
    unknown = {**subscription, "plan_id": customer}
    refused = owner.post("/api/v1/subscriptions", json=unknown)
    assert (refused.status_code, announced) == (404, ["woken"])
