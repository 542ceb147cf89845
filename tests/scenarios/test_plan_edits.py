"""A price is raised in mid-period, told through the REST API (CONTRACT 95)."""

from __future__ import annotations

from tests.scenarios.account import Account
from tests.scenarios.test_subscription_life import subscribe_to_fee, totals


def test_charge_added_in_mid_period_is_billed_from_the_next_one_on(account: Account) -> None:
    clock, subscription = subscribe_to_fee(account, fee="10")
    account.advance(clock, "2025-01-15T00:00:00Z")
    path = f"/plans/{subscription['plan_id']}/charges"

    edit = account.post(path, {"type": "FIXED", "unit_price": 99})
    account.advance(clock, "2025-03-01T00:00:00Z")

    assert (edit["effective_from"], edit["subscriptions"]) == ("2025-02-01T00:00:00Z", 1)
    assert totals(account, subscription) == [10, 109]


def test_charge_added_for_the_running_period_is_billed_with_it(account: Account) -> None:
    clock, subscription = subscribe_to_fee(account, fee="10")
    account.advance(clock, "2025-01-15T00:00:00Z")
    path = f"/plans/{subscription['plan_id']}/charges"
    body = {"type": "FIXED", "unit_price": 99, "effective": "running_period"}

    edit = account.post(path, body)
    account.advance(clock, "2025-03-01T00:00:00Z")

    assert (edit["effective_from"], edit["subscriptions"]) == ("2025-01-01T00:00:00Z", 1)
    assert totals(account, subscription) == [109, 109]
