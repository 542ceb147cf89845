"""Usage that nothing charges: the hours outside of every claim, in the last days of a customer."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy.dialects.postgresql import Range

from models.catalog.meter_claims import MeterClaim
from models.catalog.meters import Meter
from repositories.usage.unbilled import UsedPair, find_uncharged, list_used_pairs
from tests.repositories.rows import FEBRUARY, MARCH, event, store, subscribe, write
from tests.services.limited import add_customer
from tests.services.shop import Shop

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PRESENT = MARCH + 10 * DAY


@pytest.fixture
def meter(shop: Shop) -> Meter:
    return shop.add_meter()


@pytest.fixture
def customer_id(shop: Shop) -> UUID:
    return add_customer(shop).id


def uncharged(shop: Shop, *pairs: UsedPair) -> list[tuple[datetime, int]]:
    """When uncharged usage of the last ten days begins, and how many events it is."""
    found = shop.read(find_uncharged, pairs, days=10, now=PRESENT)
    return [(one.first_at, one.usage.tally.event_count) for one in found]


def claim(
    shop: Shop, meter: Meter, customer_id: UUID, starts_at: datetime, ends_at: datetime | None
) -> None:
    subscription = subscribe(
        shop, customer_id, shop.add_plan(f"plan_{starts_at:%H}"), (FEBRUARY, MARCH, "final")
    )
    row = MeterClaim(
        organization_id=shop.organization_id,
        customer_id=customer_id,
        meter_id=meter.id,
        subscription_ids=[subscription.id],
        spans=[Range(starts_at, ends_at)],
    )
    store(shop, row)


def test_nothing_is_uncharged_of_no_pairs(shop: Shop) -> None:
    assert uncharged(shop) == []
    assert shop.read(list_used_pairs, None, limit=5) == []


async def test_usage_without_any_claim_is_uncharged_from_its_first_event_on(
    shop: Shop, meter: Meter, customer_id: UUID
) -> None:
    at = [MARCH - HOUR, MARCH + HOUR + timedelta(minutes=7), MARCH + 3 * HOUR]
    await write([event(shop, meter.id, customer_id, one) for one in at], shop)

    assert uncharged(shop, UsedPair(customer_id, meter.id)) == [(at[1], 2)]


async def test_hour_that_a_claim_touches_counts_as_charged(
    shop: Shop, meter: Meter, customer_id: UUID
) -> None:
    at = [MARCH + place * HOUR for place in range(5)]
    await write([event(shop, meter.id, customer_id, one) for one in at], shop)

    claim(shop, meter, customer_id, MARCH + HOUR, MARCH + 3 * HOUR + timedelta(minutes=1))

    # Hours 1 to 3 are charged, the last of them in part.
    assert uncharged(shop, UsedPair(customer_id, meter.id)) == [(at[0], 2)]


async def test_usage_that_is_charged_all_the_time_is_not_uncharged(
    shop: Shop, meter: Meter, customer_id: UUID
) -> None:
    await write([event(shop, meter.id, customer_id, MARCH + HOUR)], shop)

    claim(shop, meter, customer_id, FEBRUARY, None)

    assert uncharged(shop, UsedPair(customer_id, meter.id)) == []


async def test_hour_that_counts_nothing_is_not_uncharged(
    shop: Shop, meter: Meter, customer_id: UUID
) -> None:
    await write([event(shop, meter.id, customer_id, MARCH, counted=False)], shop)

    assert uncharged(shop, UsedPair(customer_id, meter.id)) == []


async def test_pairs_are_walked_each_once_in_their_order(
    shop: Shop, other_shop: Shop, meter: Meter
) -> None:
    customers = sorted((add_customer(shop).id for _ in range(3)), key=lambda one: one.bytes)
    second = shop.add_meter("second")
    await write(
        [
            event(shop, one.id, customer_id, MARCH + place * HOUR)
            for one in (meter, second)
            for customer_id in customers
            for place in range(3)
        ],
        shop,
    )
    others = other_shop.add_meter()
    await write([event(other_shop, others.id, add_customer(other_shop).id, MARCH)], other_shop)
    meters = sorted((meter.id, second.id), key=lambda one: one.bytes)
    every = [UsedPair(customer_id, meter_id) for customer_id in customers for meter_id in meters]

    first = shop.read(list_used_pairs, None, limit=4)
    rest = shop.read(list_used_pairs, first[-1], limit=4)

    assert (first, rest) == (every[:4], every[4:])
    assert shop.read(list_used_pairs, rest[-1], limit=4) == []
