"""Features and meters over the API: documented shapes, exact digits."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.catalogue import FEATURE, V1, create, field_of
from tests.api.people import Person


def test_meter_feature_answers_with_its_meter(owner: Person) -> None:
    created = create(owner, "/features", FEATURE)

    meter = created.pop("meter")
    assert created == {
        "id": created["id"],
        "name": "API Calls",
        "lookup_key": "api_calls",
        "type": "meter",
        "description": None,
        "meter_id": meter["id"],
        "meter_token": meter["meter_token"],
        "created_at": "2026-03-02T08:00:00Z",
    }
    assert meter == {
        "id": meter["id"],
        "name": "API Calls",
        "meter_name": "api_calls",
        "meter_token": meter["meter_token"],
        "property_name": "calls",
        "aggregation_type": "SUM",
        "unit": "calls",
        "unit_code": None,
        "filters": [],
        "usage_pricing_rules": None,
        "carry_forward": False,
        "status": "ACTIVE",
        "created_at": "2026-03-02T08:00:00Z",
    }
    assert owner.get(f"{V1}/meters/{meter['id']}").json() == meter
    assert owner.get(f"{V1}/features/{created['id']}").json() == {**created, "meter": meter}


def test_switch_and_custom_features_have_no_meter(owner: Person) -> None:
    switch = {"name": "SSO", "lookup_key": "sso", "type": "SWITCH"}
    custom = {"name": "Support", "lookup_key": "support", "type": "custom", "description": "Hours"}

    created = [create(owner, "/features", body) for body in (switch, custom)]

    assert [(one["type"], one["meter_id"], one["meter"]) for one in created] == [
        ("switch", None, None),
        ("custom", None, None),
    ]
    listed = owner.get(f"{V1}/features").json()
    assert listed == {
        "data": created,
        "meta": {"page": 1, "page_size": 20, "total": 2, "total_pages": 1},
    }
    assert owner.get(f"{V1}/features?type=custom").json()["data"] == created[1:]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"meter_name": None}, "meter_name"),
        ({"aggregation_type": None}, "aggregation_type"),
        ({"type": "switch"}, "meter_name"),
        ({"meter_id": str(uuid4())}, "meter_name"),
    ],
)
def test_fields_of_a_meter_belong_to_a_new_meter(
    owner: Person, values: dict[str, Any], field: str
) -> None:
    answer = owner.post(f"{V1}/features", json={**FEATURE, **values})

    assert (answer.status_code, field_of(answer)) == (422, field)


def test_meters_are_listed_in_the_order_of_their_creation(owner: Person) -> None:
    names = ["c", "a", "b"]
    for name in names:
        create(owner, "/meters", {"meter_name": name, "aggregation_type": "count"})

    first = owner.get(f"{V1}/meters?page_size=2").json()
    second = owner.get(f"{V1}/meters?page_size=2&page=2").json()

    assert [one["meter_name"] for one in first["data"] + second["data"]] == names
    assert first["meta"] == {"page": 1, "page_size": 2, "total": 3, "total_pages": 2}
    assert owner.get(f"{V1}/meters?page=99").json()["data"] == []


def test_rules_of_a_meter_go_out_as_they_came_in(owner: Person) -> None:
    meter = create(owner, "/features", FEATURE)["meter"]
    text = '{"usage_pricing_rules":{"tiers":[{"up_to":null,"unit_price":0.1000000000000000001}]}}'

    headers = {"Content-Type": "application/json"}
    answer = owner.patch(f"{V1}/meters/{meter['id']}", content=text, headers=headers)

    assert answer.status_code == 200
    assert (
        '"usage_pricing_rules":{"model":"graduated","tiers":'
        '[{"up_to":null,"unit_price":0.1000000000000000001,"flat_fee":0}]}'
    ) in answer.text
