"""The documented contract in numbers: what is used, and what the invoice then says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.scenarios.account import TIERS, Account

JANUARY = [f"2025-01-{day:02d}T{hour:02d}:15:00Z" for day in range(1, 32) for hour in range(24)]


def subscribe_to_calls(
    account: Account, *, charge: dict[str, Any] | None = None, **meter: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A customer on a clock at 1 January 2025, subscribed to a plan that charges for calls."""
    feature = account.create_meter(**meter)
    plan = account.create_plan()
    account.add_usage_charge(plan, feature["meter_id"], **(charge or {}))
    clock = account.create_clock()
    customer = account.create_customer(clock=clock)
    return clock, account.subscribe(customer, plan)


def test_82450_calls_in_january_cost_82_45(account: Account) -> None:
    clock, subscription = subscribe_to_calls(
        account, charge={"display_name": "API calls ($0.001 each)"}
    )
    account.advance(clock, "2025-01-31T23:59:59Z")
    quantities = [Decimal(110)] * 743 + [Decimal(82450 - 110 * 743)]
    events = [
        account.event("api_calls", "acct_77", quantity, at)
        for quantity, at in zip(quantities, JANUARY, strict=True)
    ]
    stored = account.post("/usage/batch", events)
    assert (stored["accepted"], stored["duplicates"], stored["rejected"]) == (744, 0, 0)

    account.advance(clock, "2025-02-01T02:00:00Z")

    [invoice] = account.invoices(subscription)
    [line] = invoice["line_items"]
    assert invoice["status"] == "OPEN"
    assert invoice["invoice_number"] == "INV-2025-0001"
    assert invoice["subtotal"] == Decimal("82.45")
    assert invoice["tax"] == Decimal("0.00")
    assert invoice["total"] == invoice["amount_due"] == Decimal("82.45")
    assert invoice["issue_date"] == "2025-02-01T00:00:00Z"
    assert invoice["finalized_at"] == "2025-02-01T01:00:00Z"
    assert invoice["due_date"] == "2025-03-03T00:00:00Z"
    assert line["description"] == "API calls ($0.001 each)"
    assert line["quantity"] == line["usage_quantity"] == 82450
    assert line["unit_amount"] == Decimal("0.001")
    assert line["exact_amount"] == "82.45"
    assert [one.rstrip() for one in account.text(invoice).splitlines()] == [
        "Invoice: INV-2025-0001",
        "Period: Jan 1 – Jan 31, 2025",
        "",
        "Line Items:",
        "  API Calls (82,450 calls × $0.001)          $82.45",
        "  ─────────────────────────────────────────────────",
        "  Subtotal                                   $82.45",
        "  Tax (0%)                                    $0.00",
        "  Total                                      $82.45",
    ]


@pytest.mark.parametrize(
    ("calls", "total"),
    [
        (0, "0.00"),
        (1, "0.00"),
        (1000, "2.00"),
        (1001, "2.00"),
        (10000, "11.00"),
        (10001, "11.00"),
        (15000, "13.50"),
    ],
)
def test_documented_tier_table_is_graduated(account: Account, calls: int, total: str) -> None:
    clock, subscription = subscribe_to_calls(
        account, charge={"unit_price": None}, usage_pricing_rules=TIERS
    )
    account.advance(clock, "2025-01-20T00:00:00Z")
    if calls:
        account.track("api_calls", "acct_77", calls, "2025-01-15T12:00:00Z")

    account.advance(clock, "2025-02-01T01:00:00Z")

    [invoice] = account.invoices(subscription)
    assert invoice["total"] == Decimal(total)
    assert invoice["status"] == ("PAID" if Decimal(total) == 0 else "OPEN")
    [line] = invoice["line_items"]
    assert sum(tier["amount"] for tier in line["tiers"]) == Decimal(line["exact_amount"])


def test_event_on_boundary_belongs_to_next_period(account: Account) -> None:
    clock, subscription = subscribe_to_calls(account, charge={"unit_price": 1})
    account.advance(clock, "2025-01-31T23:59:59.999999Z")
    account.track("api_calls", "acct_77", 1, "2025-01-01T00:00:00Z")
    account.track("api_calls", "acct_77", 10, "2025-01-31T23:59:59.999999Z")
    account.track("api_calls", "acct_77", 100, "2025-02-01T00:00:00Z")

    account.advance(clock, "2025-03-01T01:00:00Z")

    assert [invoice["total"] for invoice in account.invoices(subscription)] == [11, 100]


def test_repeated_event_is_counted_once(account: Account) -> None:
    clock, subscription = subscribe_to_calls(account, charge={"unit_price": 1})
    first = account.track("api_calls", "acct_77", 7, "2025-01-01T00:00:00Z", key="job-1")
    again = account.track("api_calls", "acct_77", 7, "2025-01-01T00:00:00Z", key="job-1")
    assert again["id"] == first["id"]
    assert again["duplicate"] is True

    account.advance(clock, "2025-02-01T01:00:00Z")

    assert [invoice["total"] for invoice in account.invoices(subscription)] == [7]


def test_three_periods_close_in_order_in_one_advance(account: Account) -> None:
    clock, subscription = subscribe_to_calls(account, charge={"unit_price": 1})
    account.track("api_calls", "acct_77", 5, "2025-01-01T00:00:00Z")

    account.advance(clock, "2025-04-01T01:00:00Z")

    invoices = account.invoices(subscription)
    assert [(one["period_start"], one["total"]) for one in invoices] == [
        ("2025-01-01T00:00:00Z", 5),
        ("2025-02-01T00:00:00Z", 0),
        ("2025-03-01T00:00:00Z", 0),
    ]
    assert [one["invoice_number"] for one in invoices] == [
        "INV-2025-0001",
        "INV-2025-0002",
        "INV-2025-0003",
    ]
    assert [one["issue_date"] for one in invoices] == [
        "2025-02-01T00:00:00Z",
        "2025-03-01T00:00:00Z",
        "2025-04-01T00:00:00Z",
    ]
    assert account.get(f"/subscriptions/{subscription['id']}")["status"] == "PAST_DUE"


def test_event_in_the_grace_hour_counts(account: Account) -> None:
    clock, subscription = subscribe_to_calls(account, charge={"unit_price": 1})
    account.track("api_calls", "acct_77", 5, "2025-01-01T00:00:00Z")
    account.advance(clock, "2025-02-01T00:30:00Z")
    [draft] = account.invoices(subscription)
    assert (draft["status"], draft["total"]) == ("DRAFT", 5)

    account.track("api_calls", "acct_77", 4, "2025-01-31T00:00:00Z")
    account.advance(clock, "2025-02-01T01:00:00Z")

    [invoice] = account.invoices(subscription)
    assert (invoice["status"], invoice["total"]) == ("OPEN", 9)
    assert invoice["invoice_number"] == draft["invoice_number"]
