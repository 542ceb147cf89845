"""Recording usage over HTTP: the three forms, batches, identity for ever."""

from __future__ import annotations

import gzip
import json
from typing import Any

import psycopg
import pytest

from tests.api.people import Person
from tests.servers import superuser_url

pytestmark = pytest.mark.usefixtures("meter")


def test_track_answers_with_the_event_and_creates_the_customer(
    owner: Person, visitor: Person, meter: dict[str, Any], key: dict[str, str]
) -> None:
    answer = visitor.post(
        "/api/v1/sdk/track",
        headers=key,
        json={
            "meter_token": meter["meter_token"],
            "customer_external_id": "acct_77",
            "quantity": 2.5,
            "timestamp": "2026-03-02T07:00:00Z",
            "idempotency_key": "job-5512",
            "metadata": {"queue": "gpu"},
        },
    )

    assert answer.status_code == 201, answer.text
    event = answer.json()
    assert event["quantity"] == "2.5"
    assert event["timestamp"] == "2026-03-02T07:00:00Z"
    assert event["created_at"] == "2026-03-02T08:00:00Z"
    assert event["meta_data"] == {"queue": "gpu"}
    assert event["meter_id"] == meter["id"]
    (customer,) = owner.get("/api/v1/customers").json()["data"]
    assert customer["id"] == event["customer_id"]
    assert (customer["name"], customer["external_id"], customer["email"]) == (
        "acct_77",
        "acct_77",
        None,
    )


def test_repeat_is_answered_with_the_first_event(visitor: Person, key: dict[str, str]) -> None:
    body = {
        "customer_external_id": "acct_77",
        "meter_name": "render_minutes",
        "timestamp": "2026-03-02T07:00:00Z",
        "idempotency_key": "job-1",
        "properties": {"minutes": 2.5, "region": "eu"},
    }

    first = visitor.post("/api/v1/usage", headers=key, json=body)
    again = visitor.post("/api/v1/usage", headers=key, json=body)
    untimed = visitor.post(
        "/api/v1/usage", headers=key, json={k: v for k, v in body.items() if k != "timestamp"}
    )

    assert first.status_code == 201, first.text
    assert again.status_code == untimed.status_code == 200, again.text
    assert again.json() == untimed.json() == {**first.json(), "duplicate": True}


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": 3},
        {"customer_external_id": "acct_78"},
        {"metadata": {"queue": "cpu"}},
        {"timestamp": "2026-03-02T07:00:01Z"},
    ],
    ids=["value", "customer", "free-form data", "timestamp"],
)
def test_same_key_with_other_content_is_a_conflict(
    visitor: Person, meter: dict[str, Any], key: dict[str, str], change: dict[str, Any]
) -> None:
    body = {
        "meter_token": meter["meter_token"],
        "customer_external_id": "acct_77",
        "quantity": 2.50,
        "timestamp": "2026-03-02T07:00:00Z",
        "idempotency_key": "job-2",
        "metadata": {"queue": "gpu"},
    }
    assert visitor.post("/api/v1/sdk/track", headers=key, json=body).status_code == 201

    answer = visitor.post("/api/v1/sdk/track", headers=key, json=body | change)

    assert answer.status_code == 409, answer.text
    assert answer.json()["code"] == "idempotency_key_reused"


def test_events_without_a_key_are_never_duplicates(owner: Person, meter: dict[str, Any]) -> None:
    customer = owner.post("/api/v1/customers", json={"name": "Harbor", "email": "a@harbor.test"})
    body = {"meter_id": meter["id"], "customer_id": customer.json()["id"], "quantity": 1}

    first = owner.post("/api/v1/usage", json=body)
    second = owner.post("/api/v1/usage", json=body)

    assert first.status_code == second.status_code == 201, first.text
    assert first.json()["id"] != second.json()["id"]
    assert first.json()["timestamp"] == "2026-03-02T08:00:00Z"


def test_batch_answers_every_row_in_its_place(visitor: Person, key: dict[str, str]) -> None:
    good = {"meter_name": "render_minutes", "customer_external_id": "acct_1", "quantity": "4.25"}
    rows = [
        good | {"idempotency_key": "a"},
        good | {"idempotency_key": "a"},
        good | {"idempotency_key": "a", "quantity": 5},
        good | {"quantity": -1},
        good | {"meter_name": "nothing"},
        good | {"colour": "red"},
        good | {"timestamp": "yesterday"},
        good | {"timestamp": "2026-03-02T08:05:00.000001Z"},
        good | {"timestamp": "2026-03-02T08:05:00Z"},
    ]

    answer = visitor.post("/api/v1/usage/batch", headers=key, json=rows)

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["accepted"], body["duplicates"], body["rejected"]) == (2, 1, 6)
    assert [row["status"] for row in body["results"]] == [
        "created",
        "duplicate",
        *["rejected"] * 6,
        "created",
    ]
    assert [row["index"] for row in body["results"]] == list(range(9))
    assert body["results"][0]["id"] == body["results"][1]["id"]
    errors = [row["error"] for row in body["results"] if "error" in row]
    assert [(one["code"], one["field"]) for one in errors] == [
        ("idempotency_key_reused", "idempotency_key"),
        ("quantity_out_of_range", "quantity"),
        ("meter_not_found", "meter_name"),
        ("unknown_field", "colour"),
        ("invalid_instant", "timestamp"),
        ("timestamp_in_future", "timestamp"),
    ]
    assert errors[-1]["detail"].endswith("ahead of this server's clock, 2026-03-02T08:00:00Z.")


def test_atomic_batch_with_a_bad_row_stores_nothing(
    owner: Person, visitor: Person, key: dict[str, str]
) -> None:
    good = {"meter_name": "render_minutes", "customer_external_id": "acct_1", "quantity": 4}

    refused = visitor.post(
        "/api/v1/usage/batch?atomic=true", headers=key, json=[good, good | {"quantity": 0}]
    )

    assert refused.status_code == 422, refused.text
    assert refused.json()["code"] == "batch_rejected"
    assert [(one["index"], one["field"]) for one in refused.json()["errors"]] == [(1, "quantity")]
    assert owner.get("/api/v1/customers").json()["data"] == []
    accepted = visitor.post("/api/v1/usage/batch?atomic=true", headers=key, json=[good, good])
    assert accepted.json()["accepted"] == 2


def test_batch_takes_packed_lines_and_leaves_good_rows_out_if_asked(
    visitor: Person, key: dict[str, str]
) -> None:
    good = {"meter_name": "render_minutes", "customer_external_id": "acct_1", "quantity": 4}
    lines = [json.dumps(good), "", "{", json.dumps(good)]

    answer = visitor.post(
        "/api/v1/usage/batch?results=errors",
        headers=key | {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"},
        content=gzip.compress("\n".join(lines).encode()),
    )

    assert answer.status_code == 200, answer.text
    assert answer.json()["accepted"] == 2
    assert [(row["index"], row["error"]["code"]) for row in answer.json()["results"]] == [
        (1, "invalid_json")
    ]


def test_numbers_keep_their_digits(visitor: Person, key: dict[str, str]) -> None:
    answer = visitor.post(
        "/api/v1/usage",
        headers=key | {"Content-Type": "application/json"},
        content=b'{"meter_name":"render_minutes","customer_external_id":"a",'
        b'"properties":{"minutes":0.1000000000000000001,"note":12345678901234567890.5}}',
    )

    assert answer.status_code == 201, answer.text
    assert answer.json()["quantity"] == "0.1000000000000000001"
    assert b'"note":12345678901234567890.5' in answer.content


def test_other_organizations_meters_do_not_exist(meter: dict[str, Any], sign_up: Any) -> None:
    stranger = sign_up("Elsewhere")

    answer = stranger.post(
        "/api/v1/usage",
        json={"meter_id": meter["id"], "customer_external_id": "acct_1", "quantity": 4},
    )

    assert answer.status_code == 404
    assert answer.json()["code"] == "meter_not_found"


def test_key_without_the_scope_is_forbidden(owner: Person, visitor: Person) -> None:
    key = owner.make_key("usage.read")

    answer = visitor.post("/api/v1/sdk/track", headers={"X-API-Key": key}, json={})

    assert answer.status_code == 403
    assert visitor.post("/api/v1/sdk/track", json={}).status_code == 401


def test_sizes_are_bounded(owner: Person, visitor: Person, key: dict[str, str]) -> None:
    row = {"meter_name": "render_minutes", "customer_external_id": "a", "quantity": 1}
    lines = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    bomb = gzip.compress(b" " * (65 * 1024 * 1024))

    too_many = visitor.post("/api/v1/usage/batch", headers=key, json=[row] * 10_001)
    too_long = visitor.post(
        "/api/v1/usage", headers=key, json=row | {"metadata": {"a": "x" * 1024 * 1024}}
    )
    unpacked = visitor.post("/api/v1/usage/batch", headers=key | lines, content=bomb)
    empty = visitor.post("/api/v1/usage/batch", headers=key, json=[])

    assert (too_many.status_code, too_many.json()["code"]) == (413, "too_many_rows")
    assert (too_long.status_code, too_long.json()["code"]) == (413, "body_too_large")
    assert (unpacked.status_code, unpacked.json()["code"]) == (413, "body_too_large")
    assert (empty.status_code, empty.json()["code"]) == (422, "empty_batch")
    assert owner.get("/api/v1/customers").json()["data"] == []


def test_restart_of_the_database_between_two_events_goes_unnoticed(
    visitor: Person, key: dict[str, str], module_database_url: str
) -> None:
    event = {
        "customer_external_id": "acct_77",
        "meter_name": "render_minutes",
        "properties": {"minutes": 1},
    }

    def send_some() -> list[int]:
        # Enough for every writer to have a connection of its own.
        return [
            visitor.post("/api/v1/usage", headers=key, json=event).status_code for _ in range(6)
        ]

    assert send_some() == [201] * 6
    with psycopg.connect(superuser_url(module_database_url), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert send_some() == [201] * 6
