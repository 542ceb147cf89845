"""Where pauses, zones, taxes, currencies and late usage meet: each is right beside the others."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.scenarios.account import Account
from tests.scenarios.seller import METER, Seller, late_lines


def subscribe_to(
    account: Account, fee: str, start: str = "2025-01-01T00:00:00Z", **plan: Any
) -> tuple[Any, Any]:
    """A clock, and a subscription to a fixed fee."""
    made = account.create_plan(type="FIXED", **plan)
    charge = {"type": "FIXED", "unit_price": Decimal(fee)}
    account.post(f"/plans/{made['id']}/charges", charge)
    clock = account.create_clock(start)
    return clock, account.subscribe(account.create_customer(clock=clock), made, start)


def totals(account: Account, subscription: Any) -> list[Decimal]:
    return [Decimal(one["total"]) for one in account.invoices(subscription)]


def test_pause_over_a_cut_and_a_boundary_loses_each_day_once(account: Account) -> None:
    clock, subscription = subscribe_to(account, "31")
    path = f"/subscriptions/{subscription['id']}"
    account.advance(clock, "2025-01-11T00:00:00Z")
    account.post(f"{path}/pause")
    account.advance(clock, "2025-01-15T00:00:00Z")
    account.post(f"{path}/generate-invoice", expect=201)

    account.advance(clock, "2025-02-08T00:00:00Z")
    account.post(f"{path}/resume")
    account.advance(clock, "2025-04-02T00:00:00Z")

    assert totals(account, subscription) == [10, 0, Decimal("23.25"), 31]


def test_usage_of_a_pause_is_never_billed_also_where_it_comes_late(account: Account) -> None:
    seller = Seller(account)
    subscription = seller.subscribe()
    path = f"/subscriptions/{subscription['id']}"
    seller.use(10, "2025-01-05T00:00:00Z")
    seller.advance("2025-01-10T00:00:00Z")
    account.post(f"{path}/pause")
    seller.use(3, "2025-01-09T23:59:59Z")
    paused = seller.use(20, "2025-01-12T00:00:00Z")
    seller.advance("2025-01-15T00:00:00Z")
    account.post(f"{path}/resume")
    seller.advance("2025-02-05T00:00:00Z")

    seller.use(7, "2025-01-13T00:00:00Z")
    account.post(f"/usage/{paused['id']}/amend", {"quantity": 25})
    seller.use(5, "2025-01-16T00:00:00Z")
    seller.advance("2025-03-05T00:00:00Z")

    assert seller.totals(subscription) == [13, 5]


def test_day_begins_where_the_customer_lives(account: Account) -> None:
    account.patch("/organization", {"timezone": "Asia/Kolkata"})
    clock, subscription = subscribe_to(account, "31", "2024-12-31T18:30:00Z")
    path = f"/subscriptions/{subscription['id']}"
    dear = account.create_plan("dear", type="FIXED")
    change = {"plan_id": dear["id"], "preview": True}
    account.advance(clock, "2025-01-10T18:29:59Z")
    assert account.post(f"{path}/change-plan", change)["total"] == 9

    account.advance(clock, "2025-01-10T18:30:00Z")
    account.post(f"{path}/cancel", {"cancel_at_period_end": False})

    assert totals(account, subscription) == [10]


def test_day_on_which_the_clocks_change_is_whole_and_is_cut_by_its_hours(account: Account) -> None:
    account.patch("/organization", {"timezone": "Europe/Berlin", "proration": "second"})
    clock, subscription = subscribe_to(
        account, "23", "2025-03-28T23:00:00Z", billing_interval="day"
    )
    account.advance(clock, "2025-03-30T10:30:00Z")  # 11.5 of 23 hours
    account.post(f"/subscriptions/{subscription['id']}/generate-invoice", expect=201)

    account.advance(clock, "2025-03-31T23:00:00Z")

    half = Decimal("11.50")
    assert totals(account, subscription) == [23, half, half, 23]


@pytest.mark.parametrize(
    ("is_inclusive", "expected", "taxes"),
    [
        (False, ["119", "0", "119"], ["19", "-19", "38"]),
        (True, ["100", "0", "100"], ["15.97", "-15.97", "31.93"]),
    ],
)
def test_credit_for_taxed_usage_is_carried_with_its_tax_and_not_taxed_again(
    account: Account, *, is_inclusive: bool, expected: list[str], taxes: list[str]
) -> None:
    rate = {"name": "VAT", "country": "DE", "percentage": 19, "inclusive": is_inclusive}
    account.post("/tax-rates", rate)
    seller = Seller(account)
    address = {"billing_address_country": "DE"}
    account.request("PUT", f"/customers/{seller.customer['id']}", address)
    subscription = seller.subscribe()
    event = seller.use(100, "2025-01-05T00:00:00Z")
    seller.advance("2025-02-05T00:00:00Z")
    seller.void_event(event)
    seller.advance("2025-03-05T00:00:00Z")
    seller.use(200, "2025-03-06T00:00:00Z")
    seller.advance("2025-04-05T00:00:00Z")

    assert seller.totals(subscription) == [Decimal(one) for one in expected]
    found = [one["tax"] for one in account.invoices(subscription)]
    assert found == [Decimal(one) for one in taxes]


def test_credit_in_one_currency_pays_nothing_in_another(account: Account) -> None:
    seller = Seller(account)
    other = account.create_meter("seats")
    euros = account.create_plan("euros", currency="EUR")
    account.add_usage_charge(euros, other["meter_id"], unit_price=1)
    subscription = seller.subscribe()
    beside = account.subscribe(seller.customer, euros)
    event = seller.use(100, "2025-01-05T00:00:00Z")
    seller.advance("2025-02-05T00:00:00Z")
    seller.void_event(event)
    seller.advance("2025-03-05T00:00:00Z")

    account.track("seats", "acct_77", 70, "2025-03-02T00:00:00Z")
    seller.advance("2025-04-05T00:00:00Z")

    assert seller.totals(subscription) == [100, 0, 0]
    assert totals(account, beside) == [0, 0, 70]


def test_week_that_two_months_share_is_corrected_in_both(account: Account) -> None:
    """The week from 29 January includes 10 calls: four were used in January, nine in February."""
    seller = Seller(account)
    seller.allow(10, "week")
    subscription = seller.subscribe()
    seller.use(4, "2025-01-30T00:00:00Z")
    seller.use(9, "2025-02-03T00:00:00Z")
    seller.advance("2025-03-05T00:00:00Z")
    assert seller.totals(subscription) == [0, 3]

    account.track(METER, "acct_77", 1, "2025-01-30T00:00:00Z")
    seller.advance("2025-04-05T00:00:00Z")

    *_, march = account.invoices(subscription)
    assert (late_lines(march), march["total"]) == ([1], 1)
