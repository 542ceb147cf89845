"""The statement that gives events their identity, stores them, and keeps the hours up to date."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import col, select

from models.usage.events import UsageEvent
from models.usage.rollups import UsageDistinct
from repositories.ingestion.writer import find_keys
from tests.repositories.rows import MARCH, d, event, one_transaction, rollups, write
from tests.services.limited import add_customer
from tests.services.shop import Shop

SECOND, MICROSECOND = timedelta(seconds=1), timedelta(microseconds=1)


@pytest.fixture
def meter_id(shop: Shop) -> UUID:
    return shop.add_meter().id


@pytest.fixture
def customer_id(shop: Shop) -> UUID:
    return add_customer(shop).id


def stored(shop: Shop) -> list[str]:
    """The quantities of the stored events, in the order of their arrival."""
    with shop.transactions.for_organization(shop.organization_id) as session:
        found = session.exec(select(UsageEvent).order_by(col(UsageEvent.arrival_sequence)))
        return [str(one.quantity) for one in found]


async def test_events_are_numbered_in_the_order_that_they_came_in(
    shop: Shop, meter_id: UUID, customer_id: UUID
) -> None:
    later, earlier = (
        event(shop, meter_id, customer_id, MARCH + SECOND, 1),
        event(shop, meter_id, customer_id, MARCH, 2),
    )

    assert await write([later, earlier], shop) == 2

    assert stored(shop) == ["1", "2"]


async def test_event_on_an_hour_belongs_to_it_and_the_microsecond_before_does_not(
    shop: Shop, meter_id: UUID, customer_id: UUID
) -> None:
    at = [MARCH - MICROSECOND, MARCH]

    await write([event(shop, meter_id, customer_id, one) for one in at], shop)

    assert [one.hour for one in rollups(shop)] == [MARCH - timedelta(hours=1), MARCH]


async def test_second_event_of_a_key_changes_neither_events_nor_hours(
    shop: Shop, meter_id: UUID, customer_id: UUID
) -> None:
    first = event(shop, meter_id, customer_id, MARCH, 5, idempotency_key="a")
    again = event(shop, meter_id, customer_id, MARCH + SECOND, 7, idempotency_key="a")
    await write([first], shop)

    assert await write([again], shop) == 0

    assert stored(shop) == ["5"]
    assert [(one.recorded_count, one.total) for one in rollups(shop)] == [(1, 5)]


async def test_of_a_key_that_comes_twice_at_once_the_first_is_stored(
    shop: Shop, meter_id: UUID, customer_id: UUID
) -> None:
    twice = [
        event(shop, meter_id, customer_id, MARCH, quantity, idempotency_key="a")
        for quantity in (5, 7)
    ]

    assert await write(twice, shop) == 1

    assert stored(shop) == ["5"]


async def test_key_of_another_organization_is_free(
    shop: Shop, other_shop: Shop, meter_id: UUID, customer_id: UUID
) -> None:
    mine = event(shop, meter_id, customer_id, MARCH, 1, idempotency_key="a")
    meter, customer = other_shop.add_meter(), add_customer(other_shop)
    theirs = event(other_shop, meter.id, customer.id, MARCH, 2, idempotency_key="a")

    assert await write([mine, theirs], shop, other_shop) == 2

    assert (stored(shop), stored(other_shop)) == (["1"], ["2"])
    async with one_transaction(shop, other_shop) as connection:
        found = await find_keys(connection, [mine.identity])
    assert [one.event_id for one in found.values()] == [mine.id]


async def test_nothing_is_known_of_no_keys(shop: Shop) -> None:
    async with one_transaction(shop) as connection:
        assert await find_keys(connection, []) == {}


@pytest.mark.parametrize(
    ("seconds", "newest"),
    [((2, 1), "1"), ((1, 2), "2"), ((1, 1), "2")],
    ids=["the later instant", "whichever comes last", "at one instant the later arrival"],
)
@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "in two"])
async def test_newest_value_of_an_hour(
    shop: Shop,
    meter_id: UUID,
    customer_id: UUID,
    seconds: tuple[int, int],
    newest: str,
    at_once: bool,
) -> None:
    both = [
        event(shop, meter_id, customer_id, MARCH + second * SECOND, quantity)
        for quantity, second in enumerate(seconds, start=1)
    ]

    for batch in [both] if at_once else [[one] for one in both]:
        await write(batch, shop)

    [hour] = rollups(shop)
    assert (hour.last_value, hour.last_at) == (d(newest), MARCH + max(seconds) * SECOND)


async def test_figures_of_an_hour_are_those_of_all_that_counted_in_it(
    shop: Shop, meter_id: UUID, customer_id: UUID
) -> None:
    half = MARCH + timedelta(minutes=30)
    await write([event(shop, meter_id, customer_id, MARCH, "4.5")], shop)

    await write([event(shop, meter_id, customer_id, half, "0.25")], shop)

    [hour] = rollups(shop)
    assert (hour.recorded_count, hour.event_count, hour.total) == (2, 2, d("4.75"))
    assert (hour.minimum, hour.maximum) == (d("0.25"), d("4.5"))
    # 4.5 for the whole hour, 0.25 for half of it, in microseconds.
    assert hour.weighted_total == d("4.5") * 3_600_000_000 + d("0.25") * 1_800_000_000


@pytest.mark.parametrize("flags", [{"counted": False}, {"paused": True}], ids=str)
async def test_event_that_does_not_count_is_recorded_and_nothing_else(
    shop: Shop, meter_id: UUID, customer_id: UUID, flags: dict[str, bool]
) -> None:
    await write([event(shop, meter_id, customer_id, MARCH, 3, distinct_value="ada", **flags)], shop)

    [hour] = rollups(shop)
    assert (hour.recorded_count, hour.event_count, hour.total) == (1, 0, 0)
    assert (hour.minimum, hour.last_value, hour.last_at, hour.weighted_total) == (None,) * 3 + (0,)
    with shop.transactions.for_organization(shop.organization_id) as session:
        assert session.exec(select(UsageDistinct)).all() == []


async def test_event_that_counts_after_one_that_did_not_is_the_newest(
    shop: Shop, meter_id: UUID, customer_id: UUID
) -> None:
    await write([event(shop, meter_id, customer_id, MARCH + SECOND, 3, counted=False)], shop)

    await write([event(shop, meter_id, customer_id, MARCH, 4)], shop)

    [hour] = rollups(shop)
    assert (hour.recorded_count, hour.event_count, hour.last_value) == (2, 1, 4)


async def test_value_is_kept_once_an_hour(shop: Shop, meter_id: UUID, customer_id: UUID) -> None:
    at = [MARCH, MARCH + SECOND, MARCH + timedelta(hours=1)]
    await write([event(shop, meter_id, customer_id, one, distinct_value="ada") for one in at], shop)

    await write([event(shop, meter_id, customer_id, MARCH, distinct_value="ada")], shop)

    with shop.transactions.for_organization(shop.organization_id) as session:
        kept = session.exec(select(UsageDistinct).order_by(col(UsageDistinct.hour))).all()
    assert [one.hour for one in kept] == [MARCH, MARCH + timedelta(hours=1)]
