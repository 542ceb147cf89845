"""What statistics show of a meter and of a customer."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal

from services.usage.calendar import UsageQuery
from services.usage.reports import (
    query_customer_usage,
    query_meter_statistics,
)
from tests.services.shop import NOW, Shop
from tests.services.usage.test_reports import at, store
from tests.services.usage.windows import add_customer


def test_statistics_show_today_this_week_and_this_month(shop: Shop) -> None:
    # NOW is Monday, 2 March 2026, 08:00.
    meter, ada, ben = shop.add_meter(), add_customer(shop), add_customer(shop)
    store(
        shop,
        ada,
        meter,
        ("2025-11-03T10:20:30.000001Z", 1000),
        ("2026-02-28T23:00:00Z", 100),
        ("2026-03-01T10:00:00Z", 10),
    )
    store(shop, ben, meter, ("2026-03-02T07:59:00Z", 2), ("2026-03-02T08:04:00Z", 1))

    found = shop.read(query_meter_statistics, meter.id, now=NOW)

    assert (found.event_count, found.customer_count) == (5, 2)
    assert found.first_event_at == at("2025-11-03T10:20:30.000001Z")
    assert found.last_event_at == at("2026-03-02T08:04:00Z")
    assert (found.today, found.this_week, found.this_month) == (
        Decimal(3),
        Decimal(3),
        Decimal(13),
    )


def test_statistics_of_a_meter_without_events_are_empty(shop: Shop) -> None:
    found = shop.read(query_meter_statistics, shop.add_meter().id, now=NOW)

    assert (found.event_count, found.first_event_at, found.today) == (0, None, Decimal(0))


def test_a_customers_usage_lists_the_meters_that_saw_any(shop: Shop) -> None:
    calls, storage, unused = (shop.add_meter(name) for name in ("calls", "storage", "unused"))
    customer = add_customer(shop)
    store(shop, customer, calls, ("2026-02-20T00:00:00Z", 3))
    store(shop, customer, storage, ("2026-02-21T00:00:00Z", 4), ("2026-03-02T07:59:59Z", 5))
    store(shop, add_customer(shop), unused, ("2026-02-21T00:00:00Z", 4))

    found = shop.read(query_customer_usage, customer, UsageQuery(), now=NOW)

    assert [(one.meter.meter_name, one.usage, one.event_count) for one in found.meters] == [
        ("calls", Decimal(3), 1),
        ("storage", Decimal(9), 2),
    ]
    assert found.shown_end == NOW.astimezone(UTC)
