"""Which events of a meter are counted, and what of them, through the API (CONTRACT 12, 90)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.people import Person

CASES: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"property": "model", "operator": "eq", "value": "1.10"}, {"model": "1.1"}, False),
    ({"property": "model", "operator": "eq", "value": "1.10"}, {"model": "1.10"}, True),
    ({"property": "model", "operator": "eq", "value": "1.10"}, {"model": 1.1}, True),
    ({"property": "model", "operator": "eq", "value": 1.1}, {"model": "1.10"}, True),
    ({"property": "code", "operator": "eq", "value": "007"}, {"code": "7"}, False),
    ({"property": "code", "operator": "in", "value": ["1e3"]}, {"code": "1000"}, False),
    ({"property": "paid", "operator": "eq", "value": True}, {"paid": "true"}, True),
    ({"property": "paid", "operator": "eq", "value": True}, {"paid": "True"}, False),
    ({"property": "job.region", "operator": "eq", "value": "eu"}, {"job": {"region": "eu"}}, True),
    ({"property": "job.region", "operator": "ne", "value": "eu"}, {"job": {}}, True),
    (
        {"property": "job.region", "operator": "eq", "value": "eu"},
        {"job.region": "us", "job": {"region": "eu"}},
        False,
    ),
]


@pytest.mark.parametrize(("condition", "properties", "counted"), CASES)
def test_filters_know_texts_from_numbers_and_read_paths(
    owner: Person, condition: dict[str, Any], properties: dict[str, Any], counted: bool
) -> None:
    meter = {"meter_name": "jobs", "aggregation_type": "SUM", "filters": [condition]}
    created = owner.post("/api/v1/meters", json=meter)
    assert created.json()["filters"] == [condition]
    key = {"X-API-Key": owner.make_key("usage.write")}

    sent = owner.post(
        "/api/v1/usage",
        json={
            "meter_name": "jobs",
            "customer_external_id": "acct_77",
            "quantity": 1,
            "properties": properties,
        },
        headers=key,
    )

    assert sent.status_code == 201, sent.text
    (event,) = owner.get("/api/v1/usage").json()["data"]
    assert event["counted"] is counted


def test_values_are_read_from_a_path(owner: Person) -> None:
    meter = {"meter_name": "jobs", "aggregation_type": "SUM", "property_name": "records.amount"}
    assert owner.post("/api/v1/meters", json=meter).status_code == 201
    event = {"meter_name": "jobs", "customer_external_id": "acct_77"}
    key = {"X-API-Key": owner.make_key("usage.write")}

    nested = owner.post(
        "/api/v1/usage", json={**event, "properties": {"records": {"amount": 2.5}}}, headers=key
    )
    whole = owner.post(
        "/api/v1/usage",
        json={**event, "properties": {"records.amount": 7, "records": {"amount": 2.5}}},
        headers=key,
    )
    missing = owner.post(
        "/api/v1/usage", json={**event, "properties": {"records": [1]}}, headers=key
    )

    assert (nested.json()["quantity"], whole.json()["quantity"]) == ("2.5", "7")
    assert (missing.status_code, missing.json()["code"]) == (422, "missing_value")
