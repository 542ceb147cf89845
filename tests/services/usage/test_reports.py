"""Usage by calendar unit of the organization, at a glance, and of a customer."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from billing.errors import InvalidInput, NotFound
from billing.metering.aggregations import Aggregation
from models.accounts.organizations import Organization
from models.base import new_id
from models.catalog.meters import Meter
from services.customers import CreateCustomer, CustomerDetails, create_customer, delete_customer
from services.subscriptions.clocks import create_clock
from services.usage.calendar import Grouping, UsageQuery
from services.usage.reports import (
    MeterUsage,
    query_customer_usage,
    query_meter_usage,
)
from services.usage.rollups import rebuild_rollups
from tests.services.shop import NOW, Shop
from tests.services.usage.windows import add_customer
from tests.services.usage_facts import Fact, store_events


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def store(shop: Shop, customer_id: UUID, meter: Meter, *events: tuple[str, int]) -> None:
    facts = [Fact(at=at(instant), value=Decimal(value)) for instant, value in events]
    store_events(shop, customer_id, meter.id, facts)
    shop.read(rebuild_rollups)


def ask(shop: Shop, meter: Meter, grouping: Grouping = Grouping.DAY, **options: Any) -> MeterUsage:
    customer_id = options.pop("customer_id", None)
    now = options.pop("now", NOW)
    return shop.read(
        query_meter_usage,
        meter.id,
        UsageQuery(**options),
        grouping=grouping,
        customer_id=customer_id,
        now=now,
    )


def groups_of(found: MeterUsage) -> list[tuple[str, Decimal, int]]:
    return [(group.label, group.usage, group.event_count) for group in found.groups]


def set_zone(shop: Shop, zone: str) -> None:
    with shop.transactions.for_organization(shop.organization_id) as session:
        organization = session.get(Organization, shop.organization_id)
        assert organization is not None
        organization.timezone = zone
        session.add(organization)


def test_usage_comes_by_day_with_totals_and_customers(shop: Shop) -> None:
    meter, ada, ben = shop.add_meter(), add_customer(shop), add_customer(shop)
    store(shop, ada, meter, ("2026-02-01T00:00:00Z", 30), ("2026-02-01T23:59:59.999999Z", 7))
    store(shop, ben, meter, ("2026-02-01T12:00:00Z", 3), ("2026-02-28T23:59:59Z", 870))
    store(shop, ada, meter, ("2026-03-01T00:00:00Z", 5))

    found = ask(shop, meter, starts=date(2026, 2, 1), ends=date(2026, 2, 28))

    assert (found.usage, found.event_count, found.customer_count) == (Decimal(910), 4, 2)
    assert found.starts_at == at("2026-02-01T00:00:00Z")
    assert found.shown_end == at("2026-02-28T23:59:59Z")
    assert groups_of(found) == [
        ("2026-02-01", Decimal(40), 3),
        ("2026-02-28", Decimal(870), 1),
    ]


def test_one_customers_usage_leaves_the_others_out(shop: Shop) -> None:
    meter, ada, ben = shop.add_meter(), add_customer(shop), add_customer(shop)
    store(shop, ada, meter, ("2026-02-03T00:30:00Z", 30))
    store(shop, ben, meter, ("2026-02-03T00:30:00Z", 3))

    found = ask(shop, meter, starts=date(2026, 2, 1), customer_id=ben)

    assert (found.usage, found.event_count, found.customer_count) == (Decimal(3), 1, 1)


@pytest.mark.parametrize(
    ("grouping", "expected"),
    [
        (
            Grouping.HOUR,
            [
                ("2026-03-29T00:00:00+01:00", Decimal(1), 1),
                ("2026-03-29T03:00:00+02:00", Decimal(2), 1),
                ("2026-03-31T23:00:00+02:00", Decimal(4), 1),
                ("2026-04-01T00:00:00+02:00", Decimal(8), 1),
            ],
        ),
        (
            Grouping.DAY,
            [
                ("2026-03-29", Decimal(3), 2),
                ("2026-03-31", Decimal(4), 1),
                ("2026-04-01", Decimal(8), 1),
            ],
        ),
        (Grouping.WEEK, [("2026-03-23", Decimal(3), 2), ("2026-03-30", Decimal(12), 2)]),
        (Grouping.MONTH, [("2026-03-01", Decimal(7), 3), ("2026-04-01", Decimal(8), 1)]),
    ],
)
def test_units_are_those_of_the_organizations_calendar(
    shop: Shop, grouping: Grouping, expected: list[tuple[str, Decimal, int]]
) -> None:
    set_zone(shop, "Europe/Berlin")
    meter, customer = shop.add_meter(), add_customer(shop)
    # The clocks go forward on 29 March at 01:00 UTC; midnight in Berlin is 22:00 UTC afterwards.
    store(
        shop,
        customer,
        meter,
        ("2026-03-28T23:00:00Z", 1),
        ("2026-03-29T01:30:00Z", 2),
        ("2026-03-31T21:59:59Z", 4),
        ("2026-03-31T22:00:00Z", 8),
    )

    found = ask(
        shop, meter, grouping, starts=date(2026, 3, 20), ends=date(2026, 4, 1), customer_id=customer
    )

    assert groups_of(found) == expected
    assert found.shown_end == at("2026-04-01T23:59:59+02:00")


def test_hours_of_a_zone_with_half_hours_start_at_its_full_hours(shop: Shop) -> None:
    set_zone(shop, "Asia/Kolkata")
    meter, customer = shop.add_meter(), add_customer(shop)
    store(shop, customer, meter, ("2026-02-03T00:29:59Z", 1), ("2026-02-03T00:30:00Z", 2))

    found = ask(shop, meter, Grouping.HOUR, starts=date(2026, 2, 3), ends=date(2026, 2, 3))

    assert groups_of(found) == [
        ("2026-02-03T05:00:00+05:30", Decimal(1), 1),
        ("2026-02-03T06:00:00+05:30", Decimal(2), 1),
    ]


def test_without_dates_the_last_thirty_days_are_meant(shop: Shop) -> None:
    meter, customer = shop.add_meter(), add_customer(shop)
    inside = NOW - timedelta(days=30)
    facts = [
        Fact(at=inside - timedelta(microseconds=1), value=Decimal(1)),
        Fact(at=inside, value=Decimal(2)),
        Fact(at=NOW - timedelta(microseconds=1), value=Decimal(4)),
    ]
    store_events(shop, customer, meter.id, facts)
    shop.read(rebuild_rollups)

    found = ask(shop, meter)

    assert (found.starts_at, found.shown_end) == (inside, NOW)
    assert (found.usage, found.event_count) == (Decimal(6), 2)


def test_a_customer_on_a_test_clock_is_asked_for_at_its_own_time(shop: Shop) -> None:
    meter = shop.add_meter()
    clock = shop.do(create_clock, "years ago", at("2020-05-10T00:00:00Z"))
    command = CreateCustomer(details=CustomerDetails(name="Past"), test_clock_id=clock.id)
    customer = shop.do(create_customer, command).id
    store(shop, customer, meter, ("2020-05-09T00:00:00Z", 3))

    found = ask(shop, meter, customer_id=customer)

    assert found.shown_end == at("2020-05-10T00:00:00Z")
    assert found.usage == Decimal(3)


@pytest.mark.parametrize(
    ("aggregation", "usage", "groups"),
    [
        (Aggregation.LAST, "4", [("2026-02-01", "9"), ("2026-02-02", "4")]),
        (Aggregation.MAX, "9", [("2026-02-01", "9"), ("2026-02-02", "4")]),
        (Aggregation.MIN, "2", [("2026-02-01", "2"), ("2026-02-02", "4")]),
        (Aggregation.AVG, "5", [("2026-02-01", "5.5"), ("2026-02-02", "4")]),
        (Aggregation.COUNT, "3", [("2026-02-01", "2"), ("2026-02-02", "1")]),
    ],
)
def test_each_aggregation_makes_its_own_number(
    shop: Shop, aggregation: Aggregation, usage: str, groups: list[tuple[str, str]]
) -> None:
    meter, customer = shop.add_meter(aggregation_type=aggregation), add_customer(shop)
    store(
        shop,
        customer,
        meter,
        ("2026-02-01T06:00:00Z", 2),
        ("2026-02-01T06:00:01Z", 9),
        ("2026-02-02T06:00:00Z", 4),
    )

    found = ask(shop, meter, starts=date(2026, 2, 1), ends=date(2026, 2, 3))

    assert found.usage == Decimal(usage)
    assert [(one.label, one.usage) for one in found.groups] == [
        (label, Decimal(number)) for label, number in groups
    ]


def test_a_level_that_carries_on_shows_in_days_without_events(shop: Shop) -> None:
    meter = shop.add_meter(aggregation_type=Aggregation.WEIGHTED_SUM, carry_forward=True)
    customer = add_customer(shop)
    store(shop, customer, meter, ("2026-01-15T00:00:00Z", 10), ("2026-02-02T12:00:00Z", 4))

    found = ask(shop, meter, starts=date(2026, 2, 1), ends=date(2026, 2, 3))

    assert groups_of(found) == [
        ("2026-02-01", Decimal(10), 0),
        ("2026-02-02", Decimal(12), 1),
        ("2026-02-03", Decimal(14), 0),
    ]
    assert found.usage == Decimal(12)


def test_a_span_that_ends_before_it_starts_is_refused(shop: Shop) -> None:
    meter = shop.add_meter()

    with pytest.raises(InvalidInput) as refused:
        ask(shop, meter, starts=date(2026, 2, 2), ends=date(2026, 2, 1))

    assert (refused.value.code, refused.value.field) == ("empty_span", "start_date")


def test_more_units_than_anybody_can_read_are_refused(shop: Shop) -> None:
    meter = shop.add_meter()

    with pytest.raises(InvalidInput) as refused:
        ask(shop, meter, Grouping.HOUR, starts=date(2020, 1, 1))

    assert (refused.value.code, refused.value.field) == ("too_many_groups", "group_by")


def test_unknown_and_foreign_things_are_not_found(shop: Shop, other_shop: Shop) -> None:
    meter, customer = shop.add_meter(), add_customer(shop)
    foreign = other_shop.add_meter()

    with pytest.raises(NotFound, match="Meter"):
        ask(shop, foreign)
    with pytest.raises(NotFound, match="Customer"):
        ask(shop, meter, customer_id=new_id())
    shop.do(delete_customer, customer)
    with pytest.raises(NotFound, match="Customer"):
        shop.read(query_customer_usage, customer, UsageQuery(), now=NOW)
