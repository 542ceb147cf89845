"""An organization whose usage tests read."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from tests.api.people import Person

EVENTS: list[dict[str, Any]] = [
    {"minutes": 30, "at": "2026-02-01T00:00:00Z", "customer": "ada", "key": "a"},
    {"minutes": 7, "at": "2026-02-01T23:59:59.999999Z", "customer": "ada", "key": "b"},
    {"minutes": 3, "at": "2026-02-01T12:00:00Z", "customer": "ben", "key": "c"},
    {"minutes": 870, "at": "2026-02-28T23:59:59Z", "customer": "ben", "key": "d"},
    {"minutes": 5, "at": "2026-03-02T07:30:00Z", "customer": "ada", "key": "e"},
]


class Studio:
    """An organization with a meter and five recorded events of two customers."""

    def __init__(self, owner: Person) -> None:
        self.owner = owner
        feature = {
            "name": "Render minutes",
            "lookup_key": "render_minutes",
            "type": "meter",
            "meter_name": "render_minutes",
            "property_name": "minutes",
            "aggregation_type": "SUM",
            "unit": "minutes",
            "filters": [{"property": "region", "operator": "ne", "value": "test"}],
        }
        assert owner.post("/api/v1/features", json=feature).status_code == 201
        self.meter: dict[str, Any] = owner.get("/api/v1/meters").json()["data"][0]
        answer = self.record(
            [
                event(one["customer"], one["minutes"], one["at"], idempotency_key=one["key"])
                for one in EVENTS
            ]
        )
        self.ids = [one["id"] for one in answer["results"]]
        customers = owner.get("/api/v1/customers").json()["data"]
        self.customers = {one["external_id"]: one["id"] for one in customers}

    def record(self, rows: list[dict[str, Any]]) -> Any:
        answer = self.owner.post("/api/v1/usage/batch", json=rows)
        assert answer.status_code == 200, answer.text
        assert answer.json()["rejected"] == 0, answer.text
        return answer.json()

    def get(self, path: str, **query: Any) -> Any:
        answer = self.owner.get(f"/api/v1{path}", params=query)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text, parse_float=Decimal)

    def usage(self, **query: Any) -> Any:
        return self.get(f"/meters/{self.meter['id']}/usage", **query)


def event(customer: str, minutes: Any, at: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "customer_external_id": customer,
        "meter_name": "render_minutes",
        "properties": {"minutes": minutes, **more.pop("properties", {})},
        **({"timestamp": at} if at else {}),
        **more,
    }
