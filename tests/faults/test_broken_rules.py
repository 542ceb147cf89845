"""A rule that breaks sets one bill aside; its workflow lives on and the next periods are billed."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.types.json import Json

from tests.scenarios.account import Account
from tests.servers import superuser_url


def subscribe(account: Account) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    feature = account.create_meter()
    plan = account.create_plan()
    account.add_usage_charge(plan, feature["meter_id"], unit_price=1)
    clock = account.create_clock()
    subscription = account.subscribe(account.create_customer(clock=clock), plan)
    account.track("api_calls", "acct_77", 5, "2025-01-01T00:00:00Z")
    return clock, subscription, plan


def test_plan_that_does_not_read_parks_its_bills_until_they_are_retried(
    account: Account, module_database_url: str
) -> None:
    clock, subscription, plan = subscribe(account)
    with psycopg.connect(superuser_url(module_database_url), autocommit=True) as connection:
        saved = connection.execute(
            "SELECT version, terms FROM plan_version WHERE plan_id = %s", [plan["id"]]
        ).fetchall()
        connection.execute("UPDATE plan_version SET terms = '{}' WHERE plan_id = %s", [plan["id"]])

        stopped = account.advance(clock, "2025-03-01T02:00:00Z")

        assert (stopped["status"], stopped["needs_attention"]) == ("ready", 2)
        assert account.invoices(subscription) == []
        for version, terms in saved:
            connection.execute(
                "UPDATE plan_version SET terms = %s WHERE plan_id = %s AND version = %s",
                [Json(terms), plan["id"], version],
            )

    for index in (1, 0):
        account.post(f"/subscriptions/{subscription['id']}/periods/{index}/retry")
    mended = account.advance(clock, "2025-04-01T02:00:00Z")

    assert mended["needs_attention"] == 0
    assert sorted(
        (one["period_start"][:7], one["total"]) for one in account.invoices(subscription)
    ) == [
        ("2025-01", 5),
        ("2025-02", 0),
        ("2025-03", 0),
    ]
