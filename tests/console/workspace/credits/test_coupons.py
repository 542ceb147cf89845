"""Coupons on screens: made, found, redeemed by a customer, taken again, withdrawn."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.people import Person
from tests.api.sold import V1, add_plan
from tests.console.billed import buyer, words_of
from tests.console.workspace.test_actions import confirmed, form_of, forms_of


def make(owner: Person, **typed: str) -> dict[str, Any]:
    """A coupon made from the list of them."""
    address, fields = form_of(owner, "/console/coupons", "/coupons")
    page = owner.post(address, data=fields | typed)
    assert page.status_code == 200, words_of(page.text)
    found: dict[str, Any] = owner.get(f"{V1}/coupons").json()["data"][-1]
    return found


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"percent": "10"}, "10 % Invoice Once 0"),
        ({"amount": "5", "currency": "USD", "duration": "3"}, "$5.00 Invoice 3 bills 0"),
        ({"percent": "12.5", "duration": "forever", "max_redemptions": "9"}, "Forever 0 of 9"),
    ],
)
def test_coupon_is_made_and_listed(owner: Person, typed: dict[str, str], says: str) -> None:
    made = make(owner, code="SPRING", **typed)

    assert says in words_of(owner.get("/console/coupons").text)
    assert "SPRING" in words_of(owner.get(f"/console/coupons/{made['id']}").text)


def test_coupon_of_plans_names_them(owner: Person) -> None:
    plan = add_plan(owner, name="Team")

    made = make(owner, code="TEAM", percent="10", scope="plan", plan_ids=plan["id"])

    assert made["plan_ids"] == [plan["id"]]
    assert f"/console/plans/{plan['id']}" in owner.get(f"/console/coupons/{made['id']}").text


def test_coupon_is_found_by_the_palette(owner: Person) -> None:
    made = make(owner, code="SPRING", percent="10")

    page = owner.get("/console/search", params={"q": "spri"})

    assert f'href="/console/coupons/{made["id"]}"' in page.text


def test_customer_redeems_a_coupon_and_loses_it(owner: Person) -> None:
    make(owner, code="SPRING", percent="10")
    customer = buyer(owner)
    screen = f"/console/customers/{customer}"

    address, fields = form_of(owner, screen, "/coupons")
    redeemed = owner.post(address, data=fields | {"code": "spring"})
    [detach] = [one for one in forms_of(redeemed.text) if one.endswith("/detach")]
    after = owner.post(detach, data=confirmed(forms_of(redeemed.text)[detach]))

    assert "SPRING redeemed" in words_of(redeemed.text)
    assert "taken again" in words_of(after.text)
    assert not any(one.endswith("/detach") for one in forms_of(after.text))


def test_coupon_is_withdrawn_once_its_code_is_typed(owner: Person) -> None:
    made = make(owner, code="SPRING", percent="10")
    address, fields = form_of(owner, f"/console/coupons/{made['id']}", "/withdraw")

    refused = owner.post(address, data=fields | {"confirmation": "spring"})
    done = owner.post(address, data=fields | {"confirmation": "SPRING"})

    assert (refused.status_code, done.status_code) == (422, 200)
    assert owner.get(f"{V1}/coupons").json()["data"] == []
    assert "Nothing here yet." in words_of(done.text)
