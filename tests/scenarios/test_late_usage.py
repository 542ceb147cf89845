"""Usage that comes after its invoice was final: what the next invoice then says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.scenarios.account import TIERS, Account, Refused


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


def test_late_usage_has_an_invoice_of_its_own_where_the_policy_says_so(account: Account) -> None:
    account.patch("/organization", {"late_usage": "credit_note_or_invoice"})
    clock, subscription = subscribe(account)
    account.advance(clock, "2025-02-10T00:00:00Z")
    account.track("api_calls", "acct_77", 500, "2025-01-31T00:00:00Z")

    account.advance(clock, "2025-02-10T01:00:00Z")
    account.advance(clock, "2025-03-01T01:00:00Z")

    january, late, february = account.invoices(subscription)
    assert (january["total"], february["total"]) == (0, 0)
    assert (late["kind"], late["status"], late["total"]) == ("late_usage", "OPEN", Decimal("1.00"))
    assert late["issue_date"] == "2025-02-10T01:00:00Z"
    assert lines(late) == [("late_usage", "Late usage, Jan 1 – Jan 31, 2025", Decimal("1.00"))]
    for invoice in (january, late, february):
        mails = account.get(f"/invoices/{invoice['id']}/emails")["data"]
        assert [mail["cause"] for mail in mails] == ["finalized"]


def test_late_usage_is_settled_within_an_hour_however_small_the_steps_are(account: Account) -> None:
    account.patch("/organization", {"late_usage": "credit_note_or_invoice"})
    clock, subscription = subscribe(account)
    account.advance(clock, "2025-02-10T00:20:00Z")
    account.track("api_calls", "acct_77", 500, "2025-01-31T00:00:00Z")

    account.advance(clock, "2025-02-10T00:50:00Z")
    account.advance(clock, "2025-02-10T01:10:00Z")

    _, late = account.invoices(subscription)
    assert (late["issue_date"], late["total"]) == ("2025-02-10T01:00:00Z", Decimal("1.00"))


def test_voided_late_usage_is_a_credit_note_where_the_policy_says_so(account: Account) -> None:
    account.patch("/organization", {"late_usage": "credit_note_or_invoice"})
    clock, subscription = subscribe(account)
    event = account.track("api_calls", "acct_77", 500, "2025-01-01T00:00:00Z")
    account.track("api_calls", "acct_77", 500, "2025-01-01T00:00:00Z")
    account.advance(clock, "2025-02-10T00:00:00Z")
    account.post(f"/usage/{event['id']}/void")

    account.advance(clock, "2025-02-10T01:00:00Z")
    account.advance(clock, "2025-02-12T01:00:00Z")

    [january] = account.invoices(subscription)
    assert (january["total"], january["amount_due"]) == (Decimal("2.00"), Decimal("1.00"))
    [note] = account.get(f"/invoices/{january['id']}/credit-notes")["data"]
    assert (note["number"], note["kind"], note["total"]) == (
        "CN-2025-0001",
        "late_usage",
        Decimal("1.00"),
    )


def test_late_usage_after_the_last_invoice_has_one_of_its_own(account: Account) -> None:
    clock, subscription = subscribe(account)
    account.post(f"/subscriptions/{subscription['id']}/cancel")
    account.advance(clock, "2025-02-10T00:00:00Z")
    account.track("api_calls", "acct_77", 500, "2025-01-31T00:00:00Z")

    account.advance(clock, "2025-02-10T02:00:00Z")

    january, late = account.invoices(subscription)
    assert (january["total"], late["total"]) == (0, Decimal("1.00"))


def test_credit_note_gives_back_no_more_than_was_billed(account: Account) -> None:
    clock, subscription = subscribe(account)
    account.track("api_calls", "acct_77", 1000, "2025-01-01T00:00:00Z")
    account.advance(clock, "2025-02-01T01:00:00Z")
    [invoice] = account.invoices(subscription)
    path, line = f"/invoices/{invoice['id']}", invoice["line_items"][0]["id"]

    def credit(amount: str) -> Any:
        body = {"reason": "goodwill", "lines": [{"line_id": line, "amount": Decimal(amount)}]}
        return account.post(f"{path}/credit-notes", body)

    assert credit("1.50")["number"] == "CN-2025-0001"
    with pytest.raises(Refused) as refused:
        credit("0.51")
    assert (refused.value.status, refused.value.body["code"]) == (409, "credit_exceeds_line")
    credit("0.50")
    assert account.get(path)["status"] == "PAID"


def test_bill_below_zero_is_issued_as_zero_and_the_rest_is_carried_on(account: Account) -> None:
    clock, subscription = subscribe(account)
    event = account.track("api_calls", "acct_77", 1000, "2025-01-01T00:00:00Z")
    account.advance(clock, "2025-02-01T01:00:00Z")
    account.post(f"/usage/{event['id']}/void")
    account.track("api_calls", "acct_77", 500, "2025-02-01T00:30:00Z")
    account.advance(clock, "2025-03-01T01:00:00Z")
    account.track("api_calls", "acct_77", 2000, "2025-03-01T00:30:00Z")

    account.advance(clock, "2025-05-01T01:00:00Z")

    january, february, march, april = account.invoices(subscription)
    assert [one["total"] for one in (january, february, march, april)] == [2, 0, 2, 0]
    assert [total for _, _, total in lines(february)] == [1, -2, 1]
    assert lines(march) == [
        ("usage", "API Calls", Decimal("3.00")),
        ("credit", "Credit from an earlier invoice", Decimal("-1.00")),
    ]
