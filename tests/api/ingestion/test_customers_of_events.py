"""Whom usage is of: customers on a clock, unknown ones, and those that nobody may create."""

from __future__ import annotations

import pytest

from tests.api.people import Person

pytestmark = pytest.mark.usefixtures("meter")


def test_present_of_a_customer_on_a_clock_is_the_clocks(owner: Person) -> None:
    frozen = owner.post(
        "/api/v1/test-clocks", json={"name": "Old times", "frozen_time": "2025-01-31T12:00:00Z"}
    )
    assert frozen.status_code == 201, frozen.text
    customer = {"name": "Harbor", "email": "a@harbor.test", "external_id": "acct_1"}
    clocked = owner.post(
        "/api/v1/customers", json=customer | {"test_clock_id": frozen.json()["id"]}
    )
    assert clocked.status_code == 201, clocked.text
    body = {"meter_name": "render_minutes", "customer_external_id": "acct_1", "quantity": 1}

    untimed = owner.post("/api/v1/usage", json=body)
    allowed = owner.post("/api/v1/usage", json=body | {"timestamp": "2025-01-31T12:05:00Z"})
    refused = owner.post("/api/v1/usage", json=body | {"timestamp": "2025-01-31T12:05:00.000001Z"})

    assert untimed.json()["timestamp"] == "2025-01-31T12:00:00Z"
    assert allowed.status_code == 201, allowed.text
    assert (refused.status_code, refused.json()["code"]) == (422, "timestamp_in_future")
    assert refused.json()["detail"] == (
        "timestamp lies more than five minutes ahead of the customer's test clock, "
        "2025-01-31T12:00:00Z. Advance the clock first."
    )


def test_rejected_rows_make_no_customers(
    owner: Person, visitor: Person, key: dict[str, str]
) -> None:
    rows = [
        {"meter_name": "render_minutes", "customer_external_id": "bad", "quantity": -1},
        {"meter_name": "render_minutes", "customer_external_id": "good", "quantity": 1},
        {"meter_name": "nothing", "customer_external_id": "lost", "quantity": 1},
    ]

    answer = visitor.post("/api/v1/usage/batch", headers=key, json=rows)

    assert (answer.json()["accepted"], answer.json()["rejected"]) == (1, 2)
    customers = owner.get("/api/v1/customers").json()["data"]
    assert [one["external_id"] for one in customers] == ["good"]


def test_unknown_customers_are_refused_where_they_are_not_created(
    owner: Person, visitor: Person, key: dict[str, str]
) -> None:
    changed = owner.patch("/api/v1/organization", json={"auto_create_customers": False})
    assert changed.status_code == 200, changed.text

    answer = visitor.post(
        "/api/v1/usage",
        headers=key,
        json={"meter_name": "render_minutes", "customer_external_id": "new", "quantity": 1},
    )

    assert answer.status_code == 404
    assert answer.json()["code"] == "customer_not_found"
    assert owner.get("/api/v1/customers").json()["data"] == []


def test_batch_that_may_create_nobody_refuses_unknown_customers(
    owner: Person, visitor: Person, key: dict[str, str]
) -> None:
    row = {"meter_name": "render_minutes", "quantity": 1}
    rows = [row | {"customer_external_id": name} for name in ("known", "typo", "typo")]
    visitor.post("/api/v1/usage/batch", headers=key, json=rows[:1])
    strict = {"create_customers": "false"}

    answer = visitor.post("/api/v1/usage/batch", headers=key, params=strict, json=rows)

    found = answer.json()
    assert (found["accepted"], found["rejected"]) == (1, 2)
    assert found["results"][1]["error"]["code"] == "customer_not_found"
    assert found["results"][1]["error"]["field"] == "customer_external_id"
    customers = owner.get("/api/v1/customers").json()["data"]
    assert [(one["external_id"], one["auto_created"]) for one in customers] == [("known", True)]
    wrong = {"create_customers": "perhaps"}
    refused = visitor.post("/api/v1/usage/batch", headers=key, params=wrong, json=rows)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "create_customers")
