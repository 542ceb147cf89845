"""Bodies of the catalogue that several tests create."""

from __future__ import annotations

from typing import Any

from httpx2 import Response

from tests.api.people import Person

V1 = "/api/v1"
FEATURE = {
    "name": "API Calls",
    "lookup_key": "api_calls",
    "type": "meter",
    "meter_name": "api_calls",
    "property_name": "calls",
    "aggregation_type": "SUM",
    "unit": "calls",
    "filters": [],
}
PLAN = {
    "name": "Pay as you go",
    "lookup_id": "payg",
    "type": "USAGE",
    "billing_interval": "month",
    "currency": "USD",
}


def create(person: Person, path: str, body: Any) -> dict[str, Any]:
    answer = person.post(V1 + path, json=body)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def field_of(answer: Response) -> str:
    return str(answer.json()["errors"][0]["field"])
