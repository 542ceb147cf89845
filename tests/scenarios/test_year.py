"""Many subscriptions on one clock: a year of monthly periods in a single advance.

Twenty of them under ``make chaos``, which ends within a minute; three in the ordinary suite.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.scenarios.account import Account

SUBSCRIPTIONS = 20 if "FLUXRATE_CHAOS" in os.environ else 3
MONTHS = 12
DEADLINE_SECONDS = 300.0


def month(number: int) -> str:
    """The first instant of a month of 2025, counted from 0; December is followed by 2026."""
    start = datetime(2025 + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return start.strftime("%Y-%m-%dT%H:%M:%SZ")


def wait_until_ready(account: Account, clock: dict[str, Any]) -> None:
    """Return when the clock stands still; patient, because the claim is about the bills."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while account.get(f"/test-clocks/{clock['id']}")["status"] != "ready":
        assert time.monotonic() < deadline, "the clock is not ready"
        time.sleep(0.2)


def test_a_year_of_many_subscriptions_is_billed_once_and_in_order(account: Account) -> None:
    plan = account.create_plan(type="FIXED")
    charge = {"type": "FIXED", "unit_price": 30, "display_name": "Platform fee"}
    account.post(f"/plans/{plan['id']}/charges", charge)
    clock = account.create_clock(month(0))
    subscriptions = [
        account.subscribe(account.create_customer(f"acct_{number}", clock=clock), plan)
        for number in range(SUBSCRIPTIONS)
    ]

    account.post(f"/test-clocks/{clock['id']}/advance", {"frozen_time": "2026-01-01T01:00:00Z"})
    wait_until_ready(account, clock)

    year = [(month(number), month(number + 1)) for number in range(MONTHS)]
    numbers: list[str] = []
    for subscription in subscriptions:
        invoices = account.invoices(subscription)
        periods = [(invoice["period_start"], invoice["period_end"]) for invoice in invoices]
        assert periods == year
        assert [invoice["total"] for invoice in invoices] == [Decimal("30.00")] * MONTHS
        own_numbers = [invoice["invoice_number"] for invoice in invoices]
        assert own_numbers == sorted(own_numbers)
        numbers += own_numbers
        current = account.get(f"/subscriptions/{subscription['id']}")
        assert current["current_period_start"] == month(MONTHS)
    assert len(set(numbers)) == len(numbers) == SUBSCRIPTIONS * MONTHS
    assert account.get("/invoices")["meta"]["total"] == SUBSCRIPTIONS * MONTHS
