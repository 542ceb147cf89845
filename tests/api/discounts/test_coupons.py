"""Coupons are made, redeemed, shown and taken back; what is wrong names its field."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.people import Person
from tests.api.sold import V1


@pytest.fixture
def customer_id(owner: Person) -> str:
    body = {"name": "Quay", "email": "quay@example.com", "billing_address_country": "DE"}
    answer = owner.post(f"{V1}/customers", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def add_coupon(owner: Person, **body: Any) -> dict[str, Any]:
    answer = owner.post(f"{V1}/coupons", json=body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_coupon_is_made_and_shown_as_it_was_sent(owner: Person) -> None:
    body = {"code": "spring-10", "percent": 12.5, "duration": 3, "max_redemptions": 100}

    made = add_coupon(owner, **body)

    assert made | body == made | {"code": "spring-10"}
    assert (made["code"], made["scope"]) == ("SPRING-10", "invoice")
    assert (made["amount"], made["currency"], made["expires_at"]) == (None, None, None)
    assert owner.get(f"{V1}/coupons/{made['id']}").json() == made
    assert owner.get(f"{V1}/coupons").json()["data"] == [made]


@pytest.mark.parametrize(
    ("duration", "shown"), [("once", "once"), (1, "once"), ("forever", "forever"), (12, 12)]
)
def test_duration_is_shown_in_its_shortest_form(
    owner: Person, duration: object, shown: object
) -> None:
    made = add_coupon(owner, code="FIVE", amount="5.00", currency="usd", duration=duration)

    assert (made["duration"], made["amount"], made["currency"]) == (shown, 5, "USD")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"code": "not good"}, "code"),
        ({"percent": 101}, "percent"),
        ({"percent": None}, "percent"),
        ({"amount": 5, "currency": "USD"}, "percent"),
        ({"percent": None, "amount": 5}, "currency"),
        ({"percent": None, "amount": "0.001", "currency": "USD"}, "amount"),
        ({"duration": "twice"}, "duration"),
        ({"duration": 0}, "duration"),
        ({"duration": True}, "duration"),
        ({"max_redemptions": 0}, "max_redemptions"),
        ({"scope": "lines"}, "charge_ids"),
        ({"scope": "plan"}, "plan_ids"),
        ({"scope": "everything"}, "scope"),
    ],
)
def test_what_is_wrong_with_a_coupon_is_named(
    owner: Person, given: dict[str, Any], field: str
) -> None:
    answer = owner.post(f"{V1}/coupons", json={"code": "SPRING", "percent": 10} | given)

    assert answer.status_code == 422, answer.text
    assert field in answer.text


def test_coupon_names_plans_and_charges_that_there_are(owner: Person) -> None:
    unknown = "019b76da-a800-7000-8000-000000000034"
    for scope, field in (("plan", "plan_ids"), ("lines", "charge_ids")):
        body = {"code": "SPRING", "percent": 10, "scope": scope, field: [unknown]}

        answer = owner.post(f"{V1}/coupons", json=body)

        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (404, field)


def test_customer_redeems_a_coupon_and_loses_it(owner: Person, customer_id: str) -> None:
    coupon = add_coupon(owner, code="SPRING", percent=10)
    path = f"{V1}/customers/{customer_id}/coupons"

    redeemed = owner.post(path, json={"code": " spring "})
    again = owner.post(path, json={"code": "SPRING"})

    assert redeemed.status_code == 201, redeemed.text
    assert redeemed.json()["coupon_id"] == coupon["id"]
    assert (again.status_code, again.json()["code"]) == (409, "coupon_redeemed")
    assert owner.get(path).json()["data"] == [redeemed.json()]
    assert owner.get(f"{V1}/coupons/{coupon['id']}").json()["redemption_count"] == 1
    assert owner.delete(f"{path}/{coupon['id']}").status_code == 204
    assert owner.delete(f"{path}/{coupon['id']}").status_code == 404
    [had] = owner.get(path).json()["data"]
    assert had["ended_at"] is not None


def test_withdrawn_coupon_is_gone(owner: Person, customer_id: str) -> None:
    coupon = add_coupon(owner, code="SPRING", percent=10)

    assert owner.delete(f"{V1}/coupons/{coupon['id']}").status_code == 204

    assert owner.get(f"{V1}/coupons/{coupon['id']}").status_code == 404
    assert owner.get(f"{V1}/coupons").json()["data"] == []
    answer = owner.post(f"{V1}/customers/{customer_id}/coupons", json={"code": "SPRING"})
    assert (answer.status_code, answer.json()["code"]) == (404, "coupon_not_found")
