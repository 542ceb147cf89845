"""An installation that has seen billions of events bills like a new one."""

from __future__ import annotations

from decimal import Decimal

import psycopg

from tests.scenarios.account import Account
from tests.scenarios.product import Product
from tests.servers import superuser_url


def test_arrival_numbers_beyond_32_bits_bill_and_verify(product: Product, account: Account) -> None:
    assert product.settings.database_url
    with psycopg.connect(
        superuser_url(product.settings.database_url), autocommit=True
    ) as connection:
        connection.execute("SELECT setval('usage_arrival_sequence', 32768 * 10000000000)")
    feature = account.create_meter()
    plan = account.create_plan()
    account.add_usage_charge(plan, feature["meter_id"])
    clock = account.create_clock()
    subscription = account.subscribe(account.create_customer(clock=clock), plan)
    account.track("api_calls", "acct_77", 82450, "2025-01-01T00:00:00Z")

    account.advance(clock, "2025-02-01T01:00:00Z")

    [invoice] = account.invoices(subscription)
    receipt = account.get(f"/invoices/{invoice['id']}/receipt")
    assert invoice["total"] == Decimal("82.45")
    assert receipt["watermark"] > 2**31
    assert account.post(f"/invoices/{invoice['id']}/verify")["result"] == "equal"
