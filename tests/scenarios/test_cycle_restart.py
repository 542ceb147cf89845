"""A cycle that restarts now, and periods of several intervals, from end to end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.scenarios.account import Account, Refused


def open_life(
    account: Account, plan: dict[str, Any], **options: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A customer on a clock from January, subscribed to a plan with a fee and calls at 1 each."""
    clock = account.create_clock()
    customer = account.create_customer(clock=clock)
    return clock, account.subscribe(customer, plan, **options)


def add_plan(account: Account, lookup_id: str, fee: int, **options: Any) -> dict[str, Any]:
    plan = account.create_plan(lookup_id, **{"type": "HYBRID", **options})
    account.post(f"/plans/{plan['id']}/charges", {"type": "FIXED", "unit_price": fee})
    return plan


def restart(
    account: Account, subscription: dict[str, Any], plan: dict[str, Any], **more: Any
) -> Any:
    body = {"plan_id": plan["id"], "anchor": "now", **more}
    return account.post(f"/subscriptions/{subscription['id']}/change-plan", body)


def spans(account: Account, subscription: dict[str, Any]) -> list[tuple[str, str, Decimal]]:
    return [
        (one["period_start"][:10], one["period_end"][:10], one["total"])
        for one in account.invoices(subscription)
    ]


def test_the_cycle_restarts_now_on_another_plan(account: Account) -> None:
    small, large = add_plan(account, "small", 31), add_plan(account, "large", 62)
    clock, subscription = open_life(account, small)
    account.advance(clock, "2025-01-11T00:00:00Z")

    preview = restart(account, subscription, large, preview=True)
    changed = restart(account, subscription, large)
    again = restart(account, subscription, large)

    assert preview["total"] == 10
    assert changed["current_period_start"] == "2025-01-11T00:00:00Z"
    assert changed["current_period_end"] == "2025-02-11T00:00:00Z"
    assert again["current_period_start"] == changed["current_period_start"]
    account.advance(clock, "2025-03-11T02:00:00Z")
    assert spans(account, subscription) == [
        ("2025-01-01", "2025-01-11", 10),
        ("2025-01-11", "2025-02-11", 62),
        ("2025-02-11", "2025-03-11", 62),
    ]
    for invoice in account.invoices(subscription):
        assert account.post(f"/invoices/{invoice['id']}/verify")["result"] == "equal"
    assert account.get("/audit/coverage")["findings"] == []


def test_the_cycle_restarts_now_on_the_same_plan(account: Account) -> None:
    meter = account.create_meter()
    plan = add_plan(account, "small", 31)
    account.add_usage_charge(plan, meter["meter_id"], unit_price=1, included_units=5)
    clock, subscription = open_life(account, plan)
    account.advance(clock, "2025-01-11T00:00:00Z")
    account.track("api_calls", "acct_77", 7, "2025-01-05T00:00:00Z")

    restart(account, subscription, plan)

    account.track("api_calls", "acct_77", 8, "2025-01-11T00:00:00Z")
    account.advance(clock, "2025-02-11T02:00:00Z")
    assert spans(account, subscription) == [
        ("2025-01-01", "2025-01-11", 12),
        ("2025-01-11", "2025-02-11", 34),
    ]


@pytest.mark.parametrize(
    ("options", "more", "code"),
    [
        ({}, {"when": "period_end"}, "anchor_at_period_end"),
        ({"billing_anchor": "calendar"}, {}, "calendar_anchor"),
    ],
)
def test_a_restart_that_means_nothing_is_refused(
    account: Account, options: dict[str, Any], more: dict[str, Any], code: str
) -> None:
    plan = add_plan(account, "small", 31)
    _, subscription = open_life(account, plan, **options)

    with pytest.raises(Refused) as refused:
        restart(account, subscription, plan, **more)

    assert (refused.value.status, refused.value.body["code"]) == (422, code)
    assert refused.value.body["errors"][0]["field"] == "anchor"


@pytest.mark.parametrize(
    ("interval", "count", "ends"),
    [
        ("quarter", 1, ["2025-04-01", "2025-07-01"]),
        ("quarter", 2, ["2025-07-01", "2026-01-01"]),
        ("month", 2, ["2025-03-01", "2025-05-01"]),
        ("week", 2, ["2025-01-15", "2025-01-29"]),
    ],
)
def test_a_period_may_be_a_quarter_or_several_intervals(
    account: Account, interval: str, count: int, ends: list[str]
) -> None:
    plan = add_plan(account, "long", 90, billing_interval=interval, billing_interval_count=count)
    clock, subscription = open_life(account, plan)

    account.advance(clock, f"{ends[1]}T02:00:00Z")

    assert spans(account, subscription) == [
        ("2025-01-01", ends[0], 90),
        (ends[0], ends[1], 90),
    ]
    shown = account.get(f"/subscriptions/{subscription['id']}")
    assert (shown["billing_interval"], shown["billing_interval_count"]) == (interval, count)
