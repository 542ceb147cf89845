"""Credit that recurs over a year of bills: each month pays its own, and what is left rolls once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scenarios.account import Account
from tests.scenarios.seller import CUSTOMER, Seller

MONTH = {"interval": "month"}


@pytest.fixture
def seller(account: Account) -> Seller:
    return Seller(account)


def grant_each_month(seller: Seller, **more: Any) -> dict[str, Any]:
    body = {"unit": "USD", "amount": 30, "interval": MONTH, "expires_after": MONTH}
    path = f"/customers/{CUSTOMER}/grant-rules"
    made: dict[str, Any] = seller.account.post(
        path, body | {"anchor": "2025-01-01T00:00:00Z"} | more
    )
    return made


def test_each_month_is_paid_from_its_own_credit_in_one_jump(seller: Seller) -> None:
    subscription = seller.subscribe()
    grant_each_month(seller)
    for day in ("01-10", "02-10", "03-10"):
        seller.use(50, f"2025-{day}T00:00:00Z")

    seller.advance("2025-04-01T02:00:00Z")

    assert [one["amount_due"] for one in seller.account.invoices(subscription)] == [20, 20, 20]
    path = f"/customers/{CUSTOMER}/grants"
    grants = seller.account.get(path)["data"]
    assert [one["status"] for one in grants] == ["used", "used", "used", "active"]


def test_what_a_month_leaves_pays_in_the_next_one_and_then_no_more(seller: Seller) -> None:
    subscription = seller.subscribe()
    rollover = {"times": 1, "max": 20, "expires_after": MONTH}
    grant_each_month(seller, rollover=rollover)
    seller.use(5, "2025-01-10T00:00:00Z")
    seller.use(60, "2025-02-10T00:00:00Z")
    seller.use(60, "2025-03-10T00:00:00Z")

    seller.advance("2025-04-01T02:00:00Z")

    # 25 are left in January and 20 of them go on; in February nothing is left that could.
    assert [one["amount_due"] for one in seller.account.invoices(subscription)] == [0, 10, 30]


def test_a_timeline_says_when_credit_comes_again(seller: Seller) -> None:
    subscription = seller.subscribe()
    rule = grant_each_month(seller)

    coming = seller.account.get(f"/subscriptions/{subscription['id']}/timeline")["upcoming"]

    assert rule["next_at"] in {one["at"] for one in coming if one["action"] == "credit_granted"}


@pytest.mark.parametrize("stops", [("04-01",), ("02-01", "03-01", "04-01")], ids=["one", "three"])
def test_what_is_sold_again_is_sold_at_its_own_times_however_the_clock_jumps(
    seller: Seller, stops: tuple[str, ...]
) -> None:
    seller.subscribe()
    path = f"/customers/{CUSTOMER}/grant-rules"
    price = {"kind": "paid", "cost": {"amount": 20, "currency": "USD"}}
    monthly = {"unit": "USD", "amount": 30, "interval": MONTH, "expires_after": MONTH}
    seller.account.post(path, monthly | price)

    for day in stops:
        seller.advance(f"2025-{day}T00:00:00Z")

    found = seller.account.get("/invoices")["data"]
    sold = [one for one in found if one["kind"] == "purchase"]
    dates = sorted((one["issue_date"][:10], one["due_date"][:10]) for one in sold)
    assert dates == [
        ("2025-01-01", "2025-01-31"),
        ("2025-02-01", "2025-03-03"),
        ("2025-03-01", "2025-03-31"),
        ("2025-04-01", "2025-05-01"),
    ]
