"""Rules that grant credit again and again, as requests show them."""

from __future__ import annotations

from typing import Any

import pytest

from services.credits.recurring import rules
from tests.api.access.furnished import MONTHLY
from tests.api.people import Person

V1 = "/api/v1"


@pytest.fixture
def customer(owner: Person) -> str:
    """A customer without credit."""
    details = {"name": "Quay", "email": "a@quay.test", "billing_address_country": "DE"}
    return str(owner.post(f"{V1}/customers", json=details).json()["id"])


def test_a_rule_grants_at_once_and_says_when_again(owner: Person, customer: str) -> None:
    path = f"{V1}/customers/{customer}/grant-rules"

    made = owner.post(path, json=MONTHLY | {"expires_after": "month"})

    assert made.status_code == 201, made.text
    rule = made.json()
    assert rule["interval"] == rule["expires_after"] == {"interval": "month", "count": 1}
    assert (rule["occurrences"], rule["ended_at"]) == (1, None)
    assert rule["next_at"] > rule["anchor"]
    assert owner.get(f"{V1}/customers/{customer}/balance?unit=USD").json()["available"] == 10
    [grant] = owner.get(f"{V1}/customers/{customer}/grants").json()["data"]
    assert (grant["rule_id"], grant["expires_at"]) == (rule["id"], rule["next_at"])
    assert owner.get(path).json()["data"] == [rule]


def test_an_ended_rule_is_shown_and_grants_no_more(owner: Person, customer: str) -> None:
    path = f"{V1}/customers/{customer}/grant-rules"
    rule = owner.post(path, json=MONTHLY).json()

    for _ in range(2):
        assert owner.delete(f"{path}/{rule['id']}").status_code == 204

    [ended] = owner.get(path).json()["data"]
    assert (ended["next_at"], ended["ended_because"]) == (None, "person")
    assert owner.get(f"{V1}/customers/{customer}/balance?unit=USD").json()["available"] == 10


def test_credit_that_is_sold_again_and_again_is_an_invoice_each_time(
    owner: Person, customer: str
) -> None:
    cost = {"amount": 8, "currency": "USD"}
    path = f"{V1}/customers/{customer}/grant-rules"

    made = owner.post(path, json=MONTHLY | {"kind": "paid", "cost": cost})

    assert made.status_code == 201, made.text
    [grant] = owner.get(f"{V1}/customers/{customer}/grants").json()["data"]
    assert (grant["status"], grant["spendable"]) == ("pending", "on_payment")
    invoice = owner.get(f"{V1}/invoices/{grant['invoice_id']}").json()
    assert (invoice["kind"], invoice["status"], invoice["total"]) == ("purchase", "OPEN", 8)


LONG_AGO = {"interval": {"interval": "day"}, "anchor": "2020-01-01T00:00:00Z"}
BACKWARDS = {"anchor": "2026-02-01T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"unit": "NOTHING"}, 404, "unit_not_found"),
        ({"amount": 0}, 422, "not_positive"),
        ({"amount": "0.001"}, 422, "finer_than_unit"),
        (LONG_AGO, 422, "too_many_missed"),
        ({"rollover": {"times": 1}}, 422, "rollover_without_expiry"),
        (BACKWARDS, 422, "ends_before_it_begins"),
        ({"kind": "paid"}, 422, "no_cost"),
        ({"cost": {"amount": 1, "currency": "USD"}}, 422, "cost_of_free_credit"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(
    owner: Person, customer: str, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = owner.post(f"{V1}/customers/{customer}/grant-rules", json=MONTHLY | changes)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_no_more_rules_go_on_than_a_customer_may_have(
    owner: Person, customer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MOST_RULES", 1)
    path = f"{V1}/customers/{customer}/grant-rules"
    owner.post(path, json=MONTHLY)

    refused = owner.post(path, json=MONTHLY)

    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_grant_rules")
    assert refused.json()["errors"][0]["field"] == "unit"


def test_a_rule_of_another_customer_is_not_there(owner: Person, customer: str) -> None:
    rule = owner.post(f"{V1}/customers/{customer}/grant-rules", json=MONTHLY).json()
    details = {"name": "Pier", "email": "b@pier.test", "billing_address_country": "DE"}
    other = owner.post(f"{V1}/customers", json=details).json()["id"]

    answer = owner.delete(f"{V1}/customers/{other}/grant-rules/{rule['id']}")

    assert (answer.status_code, answer.json()["code"]) == (404, "grant_rule_not_found")


def test_a_balance_in_thousands_of_years_is_refused_and_one_in_ten_is_told(
    owner: Person, customer: str
) -> None:
    daily = MONTHLY | {"interval": "day", "expires_after": "day"}
    made = owner.post(f"{V1}/customers/{customer}/grant-rules", json=daily)
    assert made.status_code == 201, made.text
    path = f"{V1}/customers/{customer}/balance"

    far = owner.get(path, params={"unit": "USD", "at": "9998-12-31T23:59:59Z"})
    near = owner.get(path, params={"unit": "USD", "at": "2035-12-31T23:59:59Z"})

    assert (far.status_code, far.json()["code"]) == (422, "too_many_to_come")
    assert [one["field"] for one in far.json()["errors"]] == ["at"]
    assert (near.status_code, near.json()["available"]) == (200, 10)
