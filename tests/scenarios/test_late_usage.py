"""Usage that comes after its invoice was final: what the next invoice then says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.scenarios.account import TIERS, Account


def subscribe(account: Account, **charge: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A customer who pays for calls by the documented tier table, at 1 January 2025."""
    feature = account.create_meter()
    plan = account.create_plan()
    account.add_usage_charge(plan, feature["meter_id"], pricing=TIERS, unit_price=None, **charge)
    clock = account.create_clock()
    customer = account.create_customer(clock=clock)
    return clock, account.subscribe(customer, plan)


def lines(invoice: dict[str, Any]) -> list[tuple[str, str, Decimal]]:
    """Type, description and total of each line."""
    return [
        (line["type"], line["description"], Decimal(line["line_total"]))
        for line in invoice["line_items"]
    ]


def test_late_event_is_one_line_on_the_next_invoice(account: Account) -> None:
    clock, subscription = subscribe(account)
    account.track("api_calls", "acct_77", 1000, "2025-01-01T00:00:00Z")
    account.advance(clock, "2025-02-01T01:00:00Z")

    account.track("api_calls", "acct_77", 500, "2025-01-31T00:00:00Z")
    account.advance(clock, "2025-04-01T01:00:00Z")

    january, february, march = account.invoices(subscription)
    assert january["total"] == Decimal("2.00")
    assert lines(february) == [
        ("usage", "API Calls", Decimal("0.00")),
        ("late_usage", "Late usage, Jan 1 – Jan 31, 2025", Decimal("0.50")),
    ]
    assert lines(march) == [("usage", "API Calls", Decimal("0.00"))]
    verified = account.post(f"/invoices/{january['id']}/verify")
    assert verified["result"] == "equal"


def test_late_event_in_the_next_grace_is_settled_once(account: Account) -> None:
    clock, subscription = subscribe(account)
    account.advance(clock, "2025-02-20T00:00:00Z")
    account.track("api_calls", "acct_77", 1000, "2025-01-31T00:00:00Z")
    account.advance(clock, "2025-03-01T00:30:00Z")
    account.track("api_calls", "acct_77", 1000, "2025-01-30T00:00:00Z")

    account.advance(clock, "2025-05-01T01:00:00Z")

    assert [invoice["total"] for invoice in account.invoices(subscription)] == [
        0,
        Decimal("3.00"),
        0,
        0,
    ]


def test_ignored_late_usage_is_stored_and_not_billed(account: Account) -> None:
    account.patch("/organization", {"late_usage": "ignore"})
    clock, subscription = subscribe(account)
    account.advance(clock, "2025-02-01T01:00:00Z")
    account.track("api_calls", "acct_77", 1000, "2025-01-31T00:00:00Z")

    account.advance(clock, "2025-03-01T01:00:00Z")

    assert [invoice["total"] for invoice in account.invoices(subscription)] == [0, 0]
    late = account.get("/usage?late=true")
    assert [Decimal(event["quantity"]) for event in late["data"]] == [1000]


def test_voided_event_after_the_invoice_becomes_a_credit(account: Account) -> None:
    clock, subscription = subscribe(account)
    event = account.track("api_calls", "acct_77", 1000, "2025-01-01T00:00:00Z")
    account.track("api_calls", "acct_77", 1000, "2025-01-01T00:00:00Z")
    account.advance(clock, "2025-02-01T01:00:00Z")
    account.post(f"/usage/{event['id']}/void")
    account.track("api_calls", "acct_77", 4000, "2025-02-01T00:30:00Z")

    account.advance(clock, "2025-03-01T01:00:00Z")

    january, february = account.invoices(subscription)
    assert january["total"] == Decimal("3.00")
    assert [total for _, _, total in lines(february)] == [Decimal("5.00"), Decimal("-1.00")]
