"""A meter to send to, and the key that may."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.people import Person

METER = {
    "name": "Render minutes",
    "lookup_key": "render_minutes",
    "type": "meter",
    "meter_name": "render_minutes",
    "property_name": "minutes",
    "aggregation_type": "SUM",
}


@pytest.fixture
def meter(owner: Person) -> dict[str, Any]:
    """A SUM meter of the owner's organization."""
    created = owner.post("/api/v1/features", json=METER)
    assert created.status_code == 201, created.text
    meters: list[dict[str, Any]] = owner.get("/api/v1/meters").json()["data"]
    return meters[0]


@pytest.fixture
def key(owner: Person) -> dict[str, str]:
    """The header of an API key that may write usage."""
    return {"X-API-Key": owner.make_key("usage.write")}
