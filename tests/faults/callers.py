"""Customers who made calls, and clocks that are sent on while something is amiss."""

from __future__ import annotations

from typing import Any

from tests.scenarios.account import Account


def subscribe(account: Account, number: int = 1) -> tuple[dict[str, Any], dict[str, Any]]:
    """A customer who made ``number`` calls in January, at a dollar each."""
    plans = account.get("/plans")["data"]
    if not plans:
        feature = account.create_meter()
        account.add_usage_charge(account.create_plan(), feature["meter_id"], unit_price=1)
        plans = account.get("/plans")["data"]
    clock = account.create_clock()
    customer = account.create_customer(f"acct_{number}", clock)
    subscription = account.subscribe(customer, plans[0])
    account.track("api_calls", f"acct_{number}", number, "2025-01-01T00:00:00Z")
    return clock, subscription


def send(account: Account, clock: dict[str, Any], to: str) -> None:
    """The clock advances; nobody waits for it."""
    account.post(f"/test-clocks/{clock['id']}/advance", {"frozen_time": to}, expect=202)
