"""The SQL that aggregates usage agrees with ``billing.metering.aggregations`` to the last digit."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlmodel import Session

from billing.metering.aggregations import Aggregation, aggregate
from billing.metering.hours import floor_hour
from billing.periods import Period
from billing.ratios import as_decimal
from models.base import new_id
from repositories.usage import reports
from services.usage.measure import look_at_usage, measure_usage, recompute_usage
from services.usage.reports import measure_meters
from services.usage.rollups import look_at_events, rebuild_rollups, verify_rollups
from tests.billing.profiles import IS_DEEP
from tests.services.shop import Shop
from tests.services.usage.windows import (
    CASES,
    MIDNIGHT,
    add_customer,
    carried,
    facts,
    moments,
    period_of,
    total,
    window,
)
from tests.services.usage_facts import Fact, expected_measurements, store_events


@pytest.mark.parametrize(("aggregation", "carry_forward"), CASES)
@settings(
    max_examples=300 if IS_DEEP else 15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    stored=st.lists(facts, max_size=25),
    edges=st.lists(moments, min_size=2, max_size=5, unique=True),
)
def test_roll_ups_raw_events_and_the_definition_agree(
    shop: Shop,
    aggregation: Aggregation,
    carry_forward: bool,
    stored: list[Fact],
    edges: list[datetime],
) -> None:
    meter = shop.add_meter(
        f"meter_{new_id()}", aggregation_type=aggregation, carry_forward=carry_forward
    )
    customer_id = add_customer(shop)
    events = store_events(shop, customer_id, meter.id, stored)
    bounds = sorted(edges)
    windows = [window(meter, *pair) for pair in pairwise(bounds)]

    shop.read(rebuild_rollups)
    frozen = shop.read(measure_usage, customer_id, windows)
    looked = shop.read(look_at_usage, customer_id, windows)
    recomputed = shop.read(recompute_usage, customer_id, windows, frozen.watermark)
    shown = [
        shop.read(measure_meters, customer_id, [meter.id], period_of(one))[0].usage
        for one in windows
    ]

    found_hours = shop.read(list_hours, meter.id)

    counted = expected_measurements(events, stored)
    expected_hours = {floor_hour(one.timestamp) for one in events}
    expected = [
        aggregate(aggregation, counted, period_of(one), carried=carried(meter, counted, one))
        for one in windows
    ]
    assert [one.aggregate for one in frozen.usage] == expected
    assert [one.aggregate for one in looked.usage] == expected
    assert [one.aggregate for one in recomputed] == expected
    assert shown == [as_decimal(one) for one in expected], "to 40 digits"
    assert found_hours == expected_hours
    counts = [sum(one.at in period_of(each) for one in counted) for each in windows]
    assert [one.event_count for one in frozen.usage] == counts
    assert [one.event_count for one in recomputed] == counts
    assert shop.read(verify_rollups).is_equal


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    stored=st.lists(facts, max_size=20),
    other=st.lists(facts, max_size=20),
    edges=st.lists(moments, min_size=2, max_size=6, unique=True),
)
def test_a_span_of_all_customers_is_made_of_all_their_events(
    shop: Shop, stored: list[Fact], other: list[Fact], edges: list[datetime]
) -> None:
    meter = shop.add_meter(f"meter_{new_id()}", aggregation_type=Aggregation.UNIQUE_COUNT)
    first, second = add_customer(shop), add_customer(shop)
    mine = expected_measurements(store_events(shop, first, meter.id, stored), stored)
    theirs = expected_measurements(store_events(shop, second, meter.id, other), other)
    bounds = sorted(edges)
    periods = [
        Period(starts_at=starts_at, ends_at=ends_at) for starts_at, ends_at in pairwise(bounds)
    ]

    shop.read(rebuild_rollups)
    found = shop.read(
        reports.read_spans, [(meter.id, one) for one in periods], customer_id=None, distinct=True
    )

    for period, usage in zip(periods, found, strict=True):
        inside = [one for one in mine + theirs if one.at in period]
        assert usage.tally.event_count == len(inside)
        assert usage.tally.total == total(inside)
        assert usage.tally.distinct_count == len({one.distinct_key for one in inside})
        assert usage.customer_count == sum(
            any(one.at in period for one in whose) for whose in (mine, theirs)
        )
        assert usage.tally.maximum == max((one.value for one in inside), default=None)
        newest = max(inside, key=lambda one: (one.at, one.sequence), default=None)
        assert usage.tally.newest == (newest.value if newest else None)


def list_hours(session: Session, organization_id: UUID, meter_id: UUID) -> set[datetime]:
    """The hours that have roll-ups, as the database tells them."""
    rows = session.execute(
        text("SELECT hour FROM usage_rollup WHERE organization_id = :one AND meter_id = :two"),
        {"one": organization_id, "two": meter_id},
    )
    return {row[0] for row in rows}


def test_an_event_on_a_boundary_belongs_to_the_later_window(shop: Shop) -> None:
    meter = shop.add_meter(aggregation_type=Aggregation.SUM)
    customer_id = add_customer(shop)
    boundary = MIDNIGHT + timedelta(hours=5, minutes=30)
    microsecond = timedelta(microseconds=1)
    stored = [
        Fact(at=boundary - microsecond, value=Decimal(1)),
        Fact(at=boundary, value=Decimal(10)),
        Fact(at=boundary + microsecond, value=Decimal(100)),
    ]
    store_events(shop, customer_id, meter.id, stored)
    shop.read(rebuild_rollups)

    windows = [window(meter, MIDNIGHT, boundary), window(meter, boundary, MIDNIGHT + HOURS_24)]
    measured = shop.read(measure_usage, customer_id, windows)

    assert [one.aggregate for one in measured.usage] == [Decimal(1), Decimal(110)]


def test_a_recomputation_leaves_out_what_arrived_after_the_watermark(shop: Shop) -> None:
    meter = shop.add_meter(aggregation_type=Aggregation.SUM)
    customer_id = add_customer(shop)
    store_events(shop, customer_id, meter.id, [Fact(at=MIDNIGHT, value=Decimal(7))])
    shop.read(rebuild_rollups)
    windows = [window(meter, MIDNIGHT, MIDNIGHT + HOURS_24)]
    frozen = shop.read(measure_usage, customer_id, windows)

    store_events(shop, customer_id, meter.id, [Fact(at=MIDNIGHT, value=Decimal(5))])
    shop.read(rebuild_rollups)

    assert shop.read(recompute_usage, customer_id, windows, frozen.watermark) == frozen.usage
    assert shop.read(measure_usage, customer_id, windows).usage[0].aggregate == Decimal(12)


def test_a_rebuild_expects_hours_not_events(shop: Shop) -> None:
    """Otherwise PostgreSQL sorts all events instead of adding them up on every core."""
    meter = shop.add_meter(aggregation_type=Aggregation.SUM)
    seconds = [Fact(at=MIDNIGHT + timedelta(seconds=7 * n)) for n in range(1000)]
    store_events(shop, add_customer(shop), meter.id, seconds)

    with shop.transactions.for_organizations([]) as session:
        look_at_events(session)
    plan = shop.read(explain_hours)

    assert plan["Actual Rows"] == 2
    assert plan["Plan Rows"] < 300


def explain_hours(session: Session, organization_id: UUID) -> dict[str, Any]:
    """How PostgreSQL groups an organization's events by the hour: what it expects and finds."""
    statement = (
        "EXPLAIN (ANALYZE, FORMAT JSON) SELECT date_trunc('hour', timestamp, 'UTC') AS hour,"
        " count(*) FROM usage_event WHERE organization_id = :organization_id GROUP BY hour"
    )
    explained = session.execute(text(statement), {"organization_id": organization_id})
    plan: dict[str, Any] = explained.scalar_one()[0]["Plan"]
    return plan


HOURS_24 = timedelta(hours=24)
