"""Plans, charges and what plans grant over the API; who reaches them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.catalogue import FEATURE, PLAN, V1, create, field_of
from tests.api.people import Person

TIERS = [
    {"up_to": 1000, "unit_price": 0.002},
    {"up_to": 10000, "unit_price": 0.001},
    {"up_to": None, "unit_price": 0.0005},
]

REACHES_NOBODY = {"effective_from": "2026-03-02T08:00:00Z", "subscriptions": 0}
"""What an edit answers of a plan that nobody has subscribed to."""


def without_reach(edited: dict[str, Any]) -> dict[str, Any]:
    """What an edit left behind, as it is told by everything but the edit's own answer."""
    return {name: value for name, value in edited.items() if name not in REACHES_NOBODY}


def test_plan_of_the_main_example_is_told_as_documented(owner: Person) -> None:
    meter_id = create(owner, "/features", FEATURE)["meter_id"]
    plan = create(owner, "/plans", PLAN)
    sent = {
        "type": "USAGE",
        "meter_id": meter_id,
        "unit_price": 0.001,
        "display_name": "API calls ($0.001 each)",
    }
    charge = create(owner, f"/plans/{plan['id']}/charges", sent)

    assert charge == {
        **REACHES_NOBODY,
        **sent,
        "id": charge["id"],
        "plan_id": plan["id"],
        **dict.fromkeys(("pricing", "included_units", "minimum", "maximum", "unit")),
        **dict.fromkeys(("overage_rate", "group_by", "group_prices")),
        "shortfall": "invoice",
        "status": "ACTIVE",
        "created_at": "2026-03-02T08:00:00Z",
    }
    shown = owner.get(f"{V1}/plans/{plan['id']}").json()
    assert shown == {
        **PLAN,
        "id": plan["id"],
        "billing_interval_count": 1,
        "trial_days": 0,
        "description": None,
        "is_active": True,
        "version": 2,
        "created_at": "2026-03-02T08:00:00Z",
        "features": [],
        "charges": [without_reach(charge)],
    }


def test_plan_feature_is_answered_as_documented(owner: Person) -> None:
    feature = create(owner, "/features", FEATURE)
    plan = create(owner, "/plans", PLAN)

    granted = create(
        owner,
        f"/plans/{plan['id']}/features",
        {
            "feature_id": feature["id"],
            "is_enabled": True,
            "usage_limit": 500,
            "usage_reset_period": "month",
            "is_soft_limit": True,
        },
    )

    assert granted == {
        **REACHES_NOBODY,
        "id": granted["id"],
        "plan_id": plan["id"],
        "feature_id": feature["id"],
        "feature_type": "meter",
        "lookup_key": "api_calls",
        "name": "API Calls",
        "meter_id": feature["meter_id"],
        "is_enabled": True,
        "usage_limit": 500,
        "usage_reset_period": "month",
        "is_soft_limit": True,
        "reject_over_limit": False,
        "over_limit": "bill",
        "static_value": None,
        "created_at": "2026-03-02T08:00:00Z",
    }
    path = f"{V1}/plans/{plan['id']}/features/{granted['id']}"
    unlimited = owner.patch(path, json={"usage_limit": None}).json()
    assert (unlimited["usage_limit"], unlimited["usage_reset_period"]) == (None, "month")
    assert owner.delete(path).status_code == 204
    assert owner.delete(path).status_code == 404
    assert owner.get(f"{V1}/plans/{plan['id']}").json()["features"] == []


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_plan_is_edited_by_what_is_given(owner: Person, method: str) -> None:
    plan = create(owner, "/plans", {**PLAN, "description": "Old", "trial_days": 14})

    edited = owner.request(
        method, f"{V1}/plans/{plan['id']}", json={"is_active": False, "description": None}
    )

    assert edited.status_code == 200
    assert edited.json() == {
        **plan,
        **REACHES_NOBODY,
        "is_active": False,
        "description": None,
        "version": 2,
    }


def test_plans_are_filtered(owner: Person) -> None:
    create(owner, "/plans", {**PLAN, "lookup_id": "a"})
    create(owner, "/plans", {**PLAN, "lookup_id": "b", "type": "fixed", "is_active": False})

    def found(query: str) -> list[str]:
        return [one["lookup_id"] for one in owner.get(f"{V1}/plans{query}").json()["data"]]

    assert found("") == ["a", "b"]
    assert found("?type=usage") == ["a"]
    assert found("?is_active=false") == ["b"]
    assert owner.get(f"{V1}/plans?type=cheap").status_code == 422
    assert owner.get(f"{V1}/plans?page_size=101").status_code == 422
    assert "charges" not in owner.get(f"{V1}/plans").json()["data"][0]


def test_charge_can_only_be_deactivated(owner: Person) -> None:
    plan = create(owner, "/plans", {**PLAN, "type": "FIXED"})
    body = {"type": "fixed", "unit_price": "49.00", "currency": "usd", "billing_interval": "MONTH"}
    charge = create(owner, f"/plans/{plan['id']}/charges", body)
    path = f"{V1}/plans/{plan['id']}/charges/{charge['id']}"

    assert charge["unit_price"] == 49
    assert owner.patch(path, json={"unit_price": 50}).status_code == 422
    for _ in range(2):
        answer = owner.patch(path, json={"status": "inactive"})
        assert (answer.status_code, answer.json()["status"]) == (200, "INACTIVE")
    again = owner.patch(path, json={"status": "ACTIVE"})
    assert (again.status_code, again.json()["code"]) == (409, "invalid_transition")
    assert owner.get(f"{V1}/plans/{plan['id']}").json()["charges"] == []


@pytest.mark.parametrize(
    ("pricing", "expected"),
    [
        (
            {"tiers": TIERS},
            (
                '{"model":"graduated","tiers":[{"up_to":1000,"unit_price":0.002,"flat_fee":0},'
                '{"up_to":10000,"unit_price":0.001,"flat_fee":0},'
                '{"up_to":null,"unit_price":0.0005,"flat_fee":0}]}'
            ),
        ),
        (
            {"model": "VOLUME", "tiers": [{"up_to": None, "unit_price": "1", "flat_fee": 2}]},
            '{"model":"volume","tiers":[{"up_to":null,"unit_price":1,"flat_fee":2}]}',
        ),
        (
            {"model": "stairstep", "tiers": [{"up_to": None, "flat_fee": 9.5}]},
            '{"model":"stairstep","tiers":[{"up_to":null,"unit_price":0,"flat_fee":9.5}]}',
        ),
        (
            {"model": "package", "package_size": 100, "unit_price": 5},
            '{"model":"package","package_size":100,"unit_price":5}',
        ),
        (
            {"model": "percentage", "rate": 0.029, "fixed_fee": 0.3},
            '{"model":"percentage","rate":0.029,"fixed_fee":0.3}',
        ),
        (
            {"model": "per_unit", "unit_price": 1e-7},
            '{"model":"per_unit","unit_price":0.0000001}',
        ),
    ],
)
def test_every_price_model_goes_in_and_out(
    owner: Person, pricing: dict[str, Any], expected: str
) -> None:
    meter_id = create(owner, "/features", FEATURE)["meter_id"]
    plan = create(owner, "/plans", PLAN)
    body = {"type": "USAGE", "meter_id": meter_id, "pricing": pricing, "included_units": 0}

    answer = owner.post(f"{V1}/plans/{plan['id']}/charges", json=body)

    assert answer.status_code == 201, answer.text
    assert f'"pricing":{expected}' in answer.text


def test_unknown_things_in_a_body_are_not_found(owner: Person) -> None:
    plan = create(owner, "/plans", PLAN)
    unknown = str(uuid4())
    bodies = {
        "charges": {"type": "USAGE", "meter_id": unknown, "unit_price": 1},
        "features": {"feature_id": unknown, "is_enabled": True},
    }

    for path, body in bodies.items():
        answer = owner.post(f"{V1}/plans/{plan['id']}/{path}", json=body)
        assert answer.status_code == 404
        assert field_of(answer) in body


def test_taken_names_are_answered_by_field(owner: Person) -> None:
    create(owner, "/features", FEATURE)
    create(owner, "/plans", PLAN)

    for path, body, field in (
        ("/features", {**FEATURE, "meter_name": "other"}, "lookup_key"),
        ("/features", {**FEATURE, "lookup_key": "other"}, "meter_name"),
        ("/meters", {"meter_name": "api_calls", "aggregation_type": "SUM"}, "meter_name"),
        ("/plans", PLAN, "lookup_id"),
    ):
        answer = owner.post(V1 + path, json=body)
        assert (answer.status_code, field_of(answer)) == (409, field)


def test_repeated_post_with_a_key_creates_once(owner: Person) -> None:
    headers = {"Idempotency-Key": "plan-1"}

    answers = [owner.post(f"{V1}/plans", json=PLAN, headers=headers) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert owner.get(f"{V1}/plans").json()["meta"]["total"] == 1


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_plan_takes_no_type_that_its_charges_do_not_fit(owner: Person, method: str) -> None:
    meter_id = create(owner, "/features", FEATURE)["meter_id"]
    plan = create(owner, "/plans", PLAN)
    charge = {"type": "USAGE", "meter_id": meter_id, "unit_price": 0.001}
    create(owner, f"/plans/{plan['id']}/charges", charge)

    body = {"name": "Flat fee", "type": "FIXED"}
    refused = owner.request(method, f"{V1}/plans/{plan['id']}", json=body)

    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_charge")
    assert field_of(refused) == "type"
