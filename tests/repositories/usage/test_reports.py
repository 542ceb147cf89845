"""Usage for people: many periods of a meter, of one or of all customers, in one statement."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from billing.metering.tallies import NOTHING
from billing.periods import Period
from models.catalog.meters import Meter
from repositories.usage import reports
from repositories.usage.reports import PeriodUsage
from tests.repositories.rows import MARCH, event, write
from tests.services.limited import add_customer
from tests.services.shop import Shop

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def meter(shop: Shop) -> Meter:
    return shop.add_meter()


def read(shop: Shop, meter: Meter, *periods: Period, of: UUID | None = None) -> list[PeriodUsage]:
    return shop.read(
        reports.read_spans, [(meter.id, one) for one in periods], customer_id=of, distinct=True
    )


def hours(first: int, end: int, minutes: int = 0) -> Period:
    """The hours of the first of March, cut after some minutes of the last one."""
    return Period(starts_at=MARCH + first * HOUR, ends_at=MARCH + end * HOUR + minutes * MINUTE)


def test_no_period_is_no_usage(shop: Shop, meter: Meter) -> None:
    assert read(shop, meter) == []


def test_period_without_events_comes_to_nothing_in_its_place(shop: Shop, meter: Meter) -> None:
    assert [one.tally for one in read(shop, meter, hours(0, 1), hours(1, 2))] == [NOTHING, NOTHING]


async def test_periods_that_overlap_have_each_their_own_usage_in_the_order_asked(
    shop: Shop, meter: Meter
) -> None:
    ada, ben = add_customer(shop).id, add_customer(shop).id
    await write(
        [
            event(shop, meter.id, ada, MARCH, 1, distinct_value="a"),
            event(shop, meter.id, ben, MARCH + HOUR, 10, distinct_value="a"),
            event(shop, meter.id, ben, MARCH + HOUR + 30 * MINUTE, 100, distinct_value="b"),
        ],
        shop,
    )

    found = read(shop, meter, hours(1, 2), hours(0, 2), hours(0, 1, minutes=30), hours(2, 3))

    assert [one.tally.total for one in found] == [110, 111, 11, 0]
    assert [one.customer_count for one in found] == [1, 2, 2, 0]
    assert [one.tally.distinct_count for one in found] == [2, 2, 1, 0]
    assert [one.tally.newest for one in found] == [100, 100, 10, None]


async def test_usage_of_one_customer_is_theirs_alone(
    shop: Shop, other_shop: Shop, meter: Meter
) -> None:
    ada, ben = add_customer(shop).id, add_customer(shop).id
    await write([event(shop, meter.id, ada, MARCH, 1), event(shop, meter.id, ben, MARCH, 10)], shop)
    others = other_shop.add_meter()
    await write([event(other_shop, others.id, add_customer(other_shop).id, MARCH)], other_shop)

    [found] = read(shop, meter, hours(0, 0, minutes=10), of=ada)

    assert (found.tally.total, found.tally.event_count, found.customer_count) == (1, 1, 1)


async def test_first_and_last_event_of_a_meter_are_found_by_its_outer_hours(
    shop: Shop, meter: Meter
) -> None:
    at = [MARCH + MINUTE, MARCH + HOUR, MARCH + 9 * HOUR + 59 * MINUTE]
    await write([event(shop, meter.id, add_customer(shop).id, one) for one in at], shop)

    assert shop.read(reports.find_first_and_last, meter.id) == (at[0], at[-1])
    assert shop.read(reports.find_first_and_last, shop.add_meter("idle").id) is None
