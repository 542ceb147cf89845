"""A period that is billed as it runs, through the API, with relays and workflows as they are.

*Source: CREDITS 24.*
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from runtime.embedded.processes import wait_until
from tests.scenarios.account import TIERS, Account, Refused
from tests.scenarios.seller import CUSTOMER, Seller

PATIENCE_SECONDS = 180


@pytest.fixture
def seller(account: Account) -> Seller:
    return Seller(account)


def bill_at(seller: Seller, subscription: dict[str, Any], amount: Any) -> dict[str, Any]:
    path = f"/subscriptions/{subscription['id']}"
    return dict(seller.account.patch(path, {"threshold_amount": amount}))


def wait_for_invoices(account: Account, subscription: dict[str, Any], count: int) -> None:
    """Relays look a moment after the event."""

    def are_issued() -> bool:
        return len(account.invoices(subscription)) == count

    assert wait_until(are_issued, timeout_seconds=PATIENCE_SECONDS)


def lines(invoice: dict[str, Any]) -> list[tuple[str, Decimal]]:
    return [(one["type"], Decimal(one["line_total"])) for one in invoice["line_items"]]


def require_equal(seller: Seller, invoices: Sequence[dict[str, Any]]) -> None:
    """Each invoice comes out again from its events."""
    for one in invoices:
        answer = seller.account.post(f"/invoices/{one['id']}/verify")
        assert answer["result"] == "equal", answer


def test_a_month_that_is_billed_as_it_runs_costs_what_one_bill_would(seller: Seller) -> None:
    subscription = seller.subscribe()
    assert bill_at(seller, subscription, 50)["threshold_amount"] == 50

    seller.use(80, "2025-01-05T00:00:00Z")
    wait_for_invoices(seller.account, subscription, 1)
    seller.use(30, "2025-01-10T00:00:00Z")
    spoiled = seller.use(40, "2025-01-12T00:00:00Z")
    wait_for_invoices(seller.account, subscription, 2)
    seller.void_event(spoiled)
    seller.use(5, "2025-01-20T00:00:00Z")
    seller.advance("2025-02-01T02:00:00Z")

    first, second, last = seller.account.invoices(subscription)
    assert [one["kind"] for one in (first, second, last)] == ["threshold", "threshold", "period"]
    assert lines(first) == [("usage", 80)]
    assert lines(second) == [("usage", 150), ("invoiced_before", -80)]
    # 115 were used in the end, of which 150 were invoiced.
    assert lines(last) == [("usage", 115), ("invoiced_before", -150), ("adjustment", 35)]
    require_equal(seller, (first, second, last))
    assert seller.account.get("/audit/coverage")["findings"] == []


def test_a_threshold_that_is_ended_leaves_the_rest_to_the_end(seller: Seller) -> None:
    subscription = seller.subscribe()
    bill_at(seller, subscription, 50)
    seller.use(60, "2025-01-05T00:00:00Z")
    wait_for_invoices(seller.account, subscription, 1)

    assert bill_at(seller, subscription, None)["threshold_amount"] is None
    seller.use(500, "2025-01-06T00:00:00Z")
    seller.advance("2025-02-01T02:00:00Z")

    assert seller.totals(subscription) == [60, 500]


def test_what_has_arrived_is_billed_before_a_clock_goes_on(seller: Seller) -> None:
    subscription = seller.subscribe()
    bill_at(seller, subscription, 50)

    seller.use(60, "2025-01-05T00:00:00Z")
    seller.advance("2025-03-01T02:00:00Z")

    shown = [
        (one["kind"], one["issue_date"][:10], Decimal(one["total"]))
        for one in seller.account.invoices(subscription)
    ]
    assert shown == [
        ("threshold", "2025-01-05", 60),
        ("period", "2025-02-01", 0),
        ("period", "2025-03-01", 0),
    ]


def test_a_threshold_invoice_becomes_due_and_is_paid_like_any_other(seller: Seller) -> None:
    subscription = seller.subscribe()
    bill_at(seller, subscription, 50)
    seller.use(60, "2025-01-05T00:00:00Z")
    wait_for_invoices(seller.account, subscription, 1)

    seller.advance("2025-02-10T00:00:00Z")
    shown = seller.account.get(f"/subscriptions/{subscription['id']}")
    assert shown["status"] == "PAST_DUE"

    [invoice, *_] = seller.account.invoices(subscription)
    seller.account.post(f"/invoices/{invoice['id']}/pay")
    seller.account.advance(seller.clock, "2025-02-11T00:00:00Z")
    assert seller.account.get(f"/subscriptions/{subscription['id']}")["status"] == "ACTIVE"


def test_tiers_are_those_of_the_whole_period(account: Account) -> None:
    feature = account.create_meter()
    plan = account.create_plan()
    account.add_usage_charge(plan, feature["meter_id"], unit_price=None, pricing=TIERS)
    clock = account.create_clock()
    customer = account.create_customer(CUSTOMER, clock=clock)
    subscription = account.subscribe(customer, plan)
    account.patch(f"/subscriptions/{subscription['id']}", {"threshold_amount": 2})
    for count, calls in enumerate((1_000, 3_000, 7_000), start=1):
        account.track("api_calls", CUSTOMER, calls, "2025-01-01T00:00:00Z")
        wait_for_invoices(account, subscription, count)

    account.advance(clock, "2025-02-01T02:00:00Z")

    totals = [Decimal(one["total"]) for one in account.invoices(subscription)]
    assert totals == [Decimal(2), Decimal(3), Decimal("6.5"), Decimal(0)]


@pytest.mark.parametrize("amount", [0, -5, "0.001", "much"])
def test_a_threshold_that_is_no_money_is_refused(seller: Seller, amount: Any) -> None:
    subscription = seller.subscribe()

    with pytest.raises(Refused) as refused:
        bill_at(seller, subscription, amount)

    assert refused.value.status == 422
    assert refused.value.body["errors"][0]["field"] == "threshold_amount"
