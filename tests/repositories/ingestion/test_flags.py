"""What must be looked up for arriving events: for most of them nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from models.catalog.meters import Meter
from models.subscriptions.subscriptions import Subscription, SubscriptionPause
from repositories.ingestion.flags import find_flagged_spans, find_needed_checks
from tests.repositories.rows import (
    FEBRUARY,
    JANUARY,
    MARCH,
    event,
    one_transaction,
    store,
    subscribe,
)
from tests.services.limited import add_customer, limit
from tests.services.shop import Shop

MICROSECOND, DAY = timedelta(microseconds=1), timedelta(days=1)


@pytest.fixture
def meter(shop: Shop) -> Meter:
    return shop.add_meter()


@pytest.fixture
def subscription(shop: Shop, meter: Meter) -> Subscription:
    """January is final, February is not."""
    plan = shop.add_plan()
    shop.add_usage_charge(plan, meter.id)
    spans = [(JANUARY, FEBRUARY, "final"), (FEBRUARY, MARCH, "open")]
    return subscribe(shop, add_customer(shop).id, plan, *spans)


def pause(shop: Shop, subscription: Subscription, ends_at: datetime | None) -> None:
    row = SubscriptionPause(
        organization_id=shop.organization_id,
        subscription_id=subscription.id,
        starts_at=MARCH,
        ends_at=ends_at,
    )
    store(shop, row)


async def needed(
    shop: Shop, meter_id: UUID, customer_id: UUID, *instants: datetime
) -> tuple[bool, bool]:
    """Whether flagged spans, and limits, are looked up for events of these instants."""
    async with one_transaction(shop) as connection:
        events = [event(shop, meter_id, customer_id, one) for one in instants]
        found = await find_needed_checks(connection, events)
    return found.has_flagged_spans, found.has_limits


@pytest.mark.parametrize(
    ("at", "is_needed"), [(FEBRUARY - MICROSECOND, True), (FEBRUARY, False), (JANUARY - DAY, True)]
)
async def test_flags_are_looked_up_for_events_before_the_end_of_a_final_period(
    shop: Shop, meter: Meter, subscription: Subscription, at: datetime, is_needed: bool
) -> None:
    assert await needed(shop, meter.id, subscription.customer_id, at) == (is_needed, False)


@pytest.mark.parametrize(
    ("ends_at", "at", "is_needed"),
    [
        (None, MARCH - MICROSECOND, False),
        (None, MARCH, True),
        (MARCH + DAY, MARCH + DAY - MICROSECOND, True),
        (MARCH + DAY, MARCH + DAY, False),
    ],
)
async def test_flags_are_looked_up_for_events_in_a_pause(
    shop: Shop,
    meter: Meter,
    subscription: Subscription,
    ends_at: datetime | None,
    at: datetime,
    is_needed: bool,
) -> None:
    pause(shop, subscription, ends_at)

    assert await needed(shop, meter.id, subscription.customer_id, at) == (is_needed, False)


async def test_limits_are_looked_up_for_meters_that_any_plan_limits(
    shop: Shop, other_shop: Shop, meter: Meter
) -> None:
    limited = limit(shop)
    limit(other_shop)
    assert limited.feature.meter_id is not None
    customer_id = limited.customer.id

    assert await needed(shop, limited.feature.meter_id, customer_id, MARCH) == (False, True)
    assert await needed(shop, meter.id, customer_id, MARCH) == (False, False)


async def test_spans_are_those_of_the_named_customers_and_half_open(
    shop: Shop, meter: Meter, subscription: Subscription
) -> None:
    pause(shop, subscription, MARCH + DAY)
    customer_id, stranger = subscription.customer_id, add_customer(shop).id
    events = [event(shop, meter.id, customer_id, at) for at in (JANUARY, MARCH)]

    async with one_transaction(shop) as connection:
        spans = await find_flagged_spans(connection, events)
        others = await find_flagged_spans(
            connection, [event(shop, meter.id, stranger, at) for at in (JANUARY, MARCH)]
        )

    def flags(at: datetime) -> set[str]:
        return set(spans.flags_of(str(customer_id), str(meter.id), at))

    assert not others
    assert flags(JANUARY - MICROSECOND) == flags(FEBRUARY) == flags(MARCH + DAY) == set()
    assert flags(JANUARY) == flags(FEBRUARY - MICROSECOND) == {"late"}
    assert flags(MARCH) == {"paused"}
