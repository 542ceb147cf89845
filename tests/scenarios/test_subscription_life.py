"""The life of a subscription, told through the REST API: what is asked, and what is then billed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.scenarios.account import Account, Refused


def subscribe_to_fee(
    account: Account,
    *,
    fee: str = "30",
    start_date: str = "2025-01-01T00:00:00Z",
    plan: dict[str, Any] | None = None,
    clock_at: str = "2025-01-01T00:00:00Z",
    **options: Any,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A customer on a clock, subscribed to a fixed monthly fee."""
    made = account.create_plan(type="FIXED", **(plan or {}))
    charge = {"type": "FIXED", "unit_price": Decimal(fee), "display_name": "Platform fee"}
    account.post(f"/plans/{made['id']}/charges", charge)
    clock = account.create_clock(clock_at)
    customer = account.create_customer(clock=clock)
    return clock, account.subscribe(customer, made, start_date, **options)


def totals(account: Account, subscription: dict[str, Any]) -> list[Decimal]:
    """What each invoice of the subscription comes to, in order."""
    return [Decimal(invoice["total"]) for invoice in account.invoices(subscription)]


def status(account: Account, subscription: dict[str, Any]) -> str:
    """The state of the subscription."""
    return str(account.get(f"/subscriptions/{subscription['id']}")["status"])


def test_calendar_anchor_prorates_the_first_month(account: Account) -> None:
    clock, subscription = subscribe_to_fee(
        account,
        start_date="2025-01-15T00:00:00Z",
        clock_at="2025-01-15T00:00:00Z",
        billing_anchor="calendar",
    )

    account.advance(clock, "2025-03-01T01:00:00Z")

    first, second = account.invoices(subscription)
    assert (first["total"], second["total"]) == (Decimal("16.45"), Decimal("30.00"))
    assert first["line_items"][0]["type"] == "proration"
    assert "Platform fee (17 of 31 days)" in account.text(first)


def test_anchor_on_the_31st_returns_after_february(account: Account) -> None:
    clock, subscription = subscribe_to_fee(
        account, start_date="2025-01-31T00:00:00Z", clock_at="2025-01-31T00:00:00Z"
    )

    account.advance(clock, "2025-05-01T00:00:00Z")

    assert [invoice["period_end"] for invoice in account.invoices(subscription)] == [
        "2025-02-28T00:00:00Z",
        "2025-03-31T00:00:00Z",
        "2025-04-30T00:00:00Z",
    ]


def test_trial_is_free_and_sets_the_anchor(account: Account) -> None:
    clock, subscription = subscribe_to_fee(account, plan={"trial_days": 14})
    assert subscription["status"] == "TRIAL"
    assert subscription["trial_end_date"] == "2025-01-15T00:00:00Z"
    assert subscription["current_period_end"] == "2025-02-01T00:00:00Z"

    account.advance(clock, "2025-01-15T00:00:00Z")
    assert status(account, subscription) == "ACTIVE"
    assert account.invoices(subscription) == []

    account.advance(clock, "2025-02-15T01:00:00Z")
    [invoice] = account.invoices(subscription)
    assert (invoice["period_start"], invoice["total"]) == ("2025-01-15T00:00:00Z", 30)


def test_cancel_at_period_end_bills_the_whole_period_and_no_other(account: Account) -> None:
    clock, subscription = subscribe_to_fee(account)
    path = f"/subscriptions/{subscription['id']}"
    answer = account.post(f"{path}/cancel", {"reason": "too dear"})
    assert (answer["status"], answer["cancel_at_period_end"]) == ("ACTIVE", True)

    account.advance(clock, "2025-06-01T00:00:00Z")

    assert totals(account, subscription) == [30]
    assert status(account, subscription) == "CANCELED"


def test_reactivating_takes_the_cancellation_back(account: Account) -> None:
    clock, subscription = subscribe_to_fee(account)
    path = f"/subscriptions/{subscription['id']}"
    account.post(f"{path}/cancel")
    account.post(f"{path}/reactivate")

    account.advance(clock, "2025-03-01T01:00:00Z")

    assert totals(account, subscription) == [30, 30]


def test_cancel_now_bills_the_part_until_now(account: Account) -> None:
    clock, subscription = subscribe_to_fee(account)
    path = f"/subscriptions/{subscription['id']}"
    account.advance(clock, "2025-01-11T00:00:00Z")
    for _ in range(2):
        answer = account.post(f"{path}/cancel", {"cancel_at_period_end": False})
        assert answer["status"] == "CANCELED"

    account.advance(clock, "2025-06-01T00:00:00Z")

    [invoice] = account.invoices(subscription)
    assert invoice["total"] == Decimal("9.68")
    assert invoice["period_end"] == "2025-01-11T00:00:00Z"
    with pytest.raises(Refused) as refused:
        account.post(f"{path}/reactivate")
    assert refused.value.status == 409


def test_deleted_customer_gets_a_last_bill_for_the_part_until_then(account: Account) -> None:
    clock, subscription = subscribe_to_fee(account)
    account.advance(clock, "2025-01-11T00:00:00Z")

    account.request("DELETE", f"/customers/{subscription['customer_id']}", expect=204)
    account.advance(clock, "2025-06-01T00:00:00Z")

    [invoice] = account.get("/invoices")["data"]
    assert invoice["total"] == Decimal("9.68")
    assert (invoice["period_end"], invoice["status"]) == ("2025-01-11T00:00:00Z", "OPEN")
    with pytest.raises(Refused) as refused:
        account.get(f"/customers/{subscription['customer_id']}")
    assert refused.value.status == 404


def test_paused_days_are_not_billed(account: Account) -> None:
    clock, subscription = subscribe_to_fee(account)
    path = f"/subscriptions/{subscription['id']}"
    account.advance(clock, "2025-01-11T00:00:00Z")
    account.post(f"{path}/pause", {"resume_at": "2025-01-21T00:00:00Z"})
    account.advance(clock, "2025-01-20T00:00:00Z")
    assert status(account, subscription) == "PAUSED"

    account.advance(clock, "2025-03-01T01:00:00Z")

    assert totals(account, subscription) == [Decimal("20.32"), 30]
    assert status(account, subscription) == "ACTIVE"


def test_change_of_plan_now_bills_what_ran_and_keeps_the_anchor(account: Account) -> None:
    clock, subscription = subscribe_to_fee(account)
    path = f"/subscriptions/{subscription['id']}"
    larger = account.create_plan("large", type="FIXED")
    account.post(f"/plans/{larger['id']}/charges", {"type": "FIXED", "unit_price": 62})
    account.advance(clock, "2025-01-11T00:00:00Z")
    preview = account.post(
        f"{path}/change-plan", {"plan_id": larger["id"], "when": "now", "preview": True}
    )
    assert preview["total"] == Decimal("9.68")
    account.post(f"{path}/change-plan", {"plan_id": larger["id"], "when": "now"})
    account.post(f"{path}/change-plan", {"plan_id": larger["id"], "when": "now"})

    account.advance(clock, "2025-03-01T01:00:00Z")

    assert totals(account, subscription) == [Decimal("9.68"), Decimal("42.00"), 62]


def test_change_of_plan_at_period_end_waits_for_it(account: Account) -> None:
    clock, subscription = subscribe_to_fee(account)
    larger = account.create_plan("large", type="FIXED")
    account.post(f"/plans/{larger['id']}/charges", {"type": "FIXED", "unit_price": 62})
    account.post(
        f"/subscriptions/{subscription['id']}/change-plan",
        {"plan_id": larger["id"], "when": "period_end"},
    )

    account.advance(clock, "2025-03-01T01:00:00Z")

    assert totals(account, subscription) == [30, 62]


def test_generated_invoice_bills_until_now_and_the_rest_runs_on(account: Account) -> None:
    clock, subscription = subscribe_to_fee(account)
    account.advance(clock, "2025-01-11T00:00:00Z")
    made = account.post(f"/subscriptions/{subscription['id']}/generate-invoice", expect=201)
    assert [invoice["total"] for invoice in made["data"]] == [Decimal("9.68")]

    account.advance(clock, "2025-02-01T01:00:00Z")

    assert totals(account, subscription) == [Decimal("9.68"), Decimal("20.32")]


def test_unpaid_invoice_makes_past_due_and_payment_ends_it(account: Account) -> None:
    clock, subscription = subscribe_to_fee(account)
    account.advance(clock, "2025-02-15T00:00:00Z")
    [invoice] = account.invoices(subscription)
    assert status(account, subscription) == "ACTIVE"

    account.advance(clock, "2025-03-03T00:00:00Z")
    assert status(account, subscription) == "PAST_DUE"

    for _ in range(2):
        paid = account.post(f"/invoices/{invoice['id']}/pay")
        assert (paid["status"], paid["amount_due"], paid["amount_paid"]) == ("PAID", 0, 30)
    assert status(account, subscription) == "ACTIVE"


def test_pinned_subscription_keeps_its_price(account: Account) -> None:
    clock, pinned = subscribe_to_fee(account, version_policy="pinned")
    account.post(f"/plans/{pinned['plan_id']}/charges", {"type": "FIXED", "unit_price": 5})

    account.advance(clock, "2025-02-01T01:00:00Z")

    assert totals(account, pinned) == [30]


def test_latest_subscription_follows_its_plan(account: Account) -> None:
    clock, latest = subscribe_to_fee(account)
    account.post(f"/plans/{latest['plan_id']}/charges", {"type": "FIXED", "unit_price": 5})

    account.advance(clock, "2025-02-01T01:00:00Z")

    assert totals(account, latest) == [35]


def test_subscription_from_the_past_closes_missed_periods_in_order(account: Account) -> None:
    _, subscription = subscribe_to_fee(
        account, start_date="2024-10-01T00:00:00Z", clock_at="2025-01-01T12:00:00Z"
    )
    invoices: list[dict[str, Any]] = []
    while len(invoices) < 3:
        invoices = account.invoices(subscription)

    assert [invoice["period_end"] for invoice in invoices] == [
        "2024-11-01T00:00:00Z",
        "2024-12-01T00:00:00Z",
        "2025-01-01T00:00:00Z",
    ]
    assert {invoice["issue_date"] for invoice in invoices} == {"2025-01-01T12:00:00Z"}


def test_timeline_shows_what_was_and_what_comes(account: Account) -> None:
    clock, subscription = subscribe_to_fee(account)
    account.advance(clock, "2025-02-01T00:30:00Z")

    timeline = account.get(f"/subscriptions/{subscription['id']}/timeline")

    assert [(one["at"], one["action"]) for one in timeline["past"]] == [
        ("2025-01-01T00:00:00Z", "created"),
        ("2025-02-01T00:00:00Z", "period_closed"),
        ("2025-02-01T00:00:00Z", "invoice_drafted"),
    ]
    assert [(one["at"], one["action"]) for one in timeline["upcoming"]] == [
        ("2025-02-01T01:00:00Z", "invoice_finalized"),
        ("2025-03-01T00:00:00Z", "period_closed"),
    ]


def test_receipt_verifies_and_a_line_explains_itself(account: Account) -> None:
    clock, subscription = subscribe_to_fee(
        account, start_date="2025-01-15T00:00:00Z", billing_anchor="calendar"
    )
    account.advance(clock, "2025-02-01T01:00:00Z")
    [invoice] = account.invoices(subscription)
    path = f"/invoices/{invoice['id']}"

    receipt = account.get(f"{path}/receipt")
    verified = account.post(f"{path}/verify")
    explained = account.get(f"{path}/lines/{invoice['line_items'][0]['id']}/explain")

    assert receipt["period_end"] == "2025-02-01T00:00:00Z"
    assert (verified["result"], verified["lines"]) == ("equal", 1)
    assert [step["name"] for step in explained["steps"]] == ["price", "prorate", "round"]
    assert explained["steps"][-1]["output"] == "16.45"


def test_pinned_price_bills_the_part_before_a_change_of_plan(account: Account) -> None:
    clock, pinned = subscribe_to_fee(account, version_policy="pinned")
    account.post(f"/plans/{pinned['plan_id']}/charges", {"type": "FIXED", "unit_price": 5})
    larger = account.create_plan("large", type="FIXED")
    account.post(f"/plans/{larger['id']}/charges", {"type": "FIXED", "unit_price": 62})
    account.advance(clock, "2025-01-11T00:00:00Z")
    account.post(f"/subscriptions/{pinned['id']}/change-plan", {"plan_id": larger["id"]})

    account.advance(clock, "2025-02-01T01:00:00Z")

    assert totals(account, pinned) == [Decimal("9.68"), Decimal("42.00")]
