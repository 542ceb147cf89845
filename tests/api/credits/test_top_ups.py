"""Rules that top credit up, and what was sold and is not spent, as requests show them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.api.access.furnished import TOP_UP
from tests.api.people import Person

V1 = "/api/v1"
PACK = {
    "unit": "TOKENS",
    "amount": 3,
    "kind": "paid",
    "cost": {"amount": 10, "currency": "USD"},
}


@pytest.fixture
def customer(owner: Person) -> str:
    """A customer in Germany, of an organization with a unit of its own."""
    details = {"name": "Quay", "email": "a@quay.test", "billing_address_country": "DE"}
    owner.post(f"{V1}/units", json={"code": "TOKENS", "name": "Tokens", "scale": 0})
    return str(owner.post(f"{V1}/customers", json=details).json()["id"])


def test_a_rule_says_who_switched_it_on_and_from_where(owner: Person, customer: str) -> None:
    path = f"{V1}/customers/{customer}/top-up-rules"

    made = owner.post(path, json=TOP_UP)

    assert made.status_code == 201, made.text
    rule = made.json()
    assert rule["enabled"] is True
    assert rule["enabled_by"].startswith("user:")
    assert rule["enabled_from"]
    off = owner.patch(f"{path}/{rule['id']}", json={"enabled": False}).json()
    assert (off["enabled"], off["disabled_because"]) == (False, "person")
    assert owner.get(path).json()["data"] == [off]
    assert owner.get(f"{V1}/customers/{customer}/top-ups").json()["data"] == []


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"price": {"amount": 1, "currency": "USD"}}, 422, "price_of_currency"),
        ({"unit": "TOKENS"}, 422, "no_price"),
        ({"unit": "NOTHING"}, 404, "unit_not_found"),
        ({"step": 6}, 422, "cap_below_step"),
        ({"step": 0}, 422, "not_positive"),
        ({"step": "0.001"}, 422, "finer_than_unit"),
        ({"threshold": 10, "target": 5}, 422, "target_below_threshold"),
        (
            {"unit": "TOKENS", "price": {"amount": "0.0001", "currency": "USD"}},
            422,
            "step_costs_nothing",
        ),
        (
            {"unit": "TOKENS", "price": {"amount": "1", "currency": "XYZ"}},
            422,
            "unknown_currency",
        ),
        ({"max_count": {"day": 1, "month": 1001}}, 422, "invalid_input"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(
    owner: Person, customer: str, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = owner.post(f"{V1}/customers/{customer}/top-up-rules", json=TOP_UP | changes)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_second_rule_and_one_of_nobody_are_refused(owner: Person, customer: str) -> None:
    path = f"{V1}/customers/{customer}/top-up-rules"
    owner.post(path, json=TOP_UP)

    again = owner.post(path, json=TOP_UP)
    nobody = owner.patch(f"{path}/{uuid4()}", json={"enabled": True})

    assert (again.status_code, again.json()["code"]) == (409, "top_up_rule_exists")
    assert (nobody.status_code, nobody.json()["code"]) == (404, "top_up_rule_not_found")


def test_what_is_sold_and_paid_is_deferred_until_it_is_spent(owner: Person, customer: str) -> None:
    pack = PACK | {"cost": {"amount": 10, "currency": "usd"}}
    sold = owner.post(f"{V1}/customers/{customer}/grants", json=pack).json()
    assert (sold["status"], sold["cost"]["currency"]) == ("pending", "USD")
    path = f"{V1}/credits/deferred-revenue?unit=tokens"
    assert owner.get(path).json() == {"unit": "TOKENS", "totals": []}

    owner.post(f"{V1}/invoices/{sold['invoice_id']}/pay")

    [total] = owner.get(path).json()["totals"]
    assert (total["currency"], total["amount"], total["grants"]) == ("USD", 10, 1)
    ended = owner.post(f"{V1}/grants/{sold['id']}/end", json={"refund": True}).json()
    assert ended["status"] == "ended"
    assert owner.get(path).json()["totals"] == []
    assert owner.get(f"{V1}/audit/credits").json()["findings"] == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": "free"}, "cost_of_free_credit"),
        ({"cost": None}, "no_cost"),
        ({"kind": "free", "cost": None, "spendable": "on_payment"}, "spendable_of_free_credit"),
    ],
)
def test_terms_of_a_grant_that_contradict_are_refused(
    owner: Person, customer: str, changes: dict[str, Any], code: str
) -> None:
    answer = owner.post(f"{V1}/customers/{customer}/grants", json=PACK | changes)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
