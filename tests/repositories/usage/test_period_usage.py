"""The usage of a period: hours and edges give what its events come to, each end in one period."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from billing.periods import Period
from models.catalog.meters import Meter
from repositories.usage.period_usage import UsagePart, UsageRead, read_usage
from tests.repositories.rows import MARCH, event, write
from tests.services.limited import add_customer
from tests.services.shop import Shop
from tests.services.usage_facts import Fact, store_events

HOUR, MINUTE, MICROSECOND = (
    timedelta(hours=1),
    timedelta(minutes=1),
    timedelta(microseconds=1),
)


@pytest.fixture
def meter(shop: Shop) -> Meter:
    return shop.add_meter()


@pytest.fixture
def customer_id(shop: Shop) -> UUID:
    return add_customer(shop).id


def read(
    shop: Shop,
    customer_id: UUID,
    meter: Meter,
    *spans: tuple[datetime, datetime],
    distinct: bool = False,
    watermark: int | None = None,
) -> tuple[int, list[UsagePart]]:
    reads = [
        UsageRead(
            place=place,
            meter_id=meter.id,
            period=Period(starts_at=starts_at, ends_at=ends_at),
            wants_distinct=distinct,
        )
        for place, (starts_at, ends_at) in enumerate(spans)
    ]
    with shop.transactions.for_organization(shop.organization_id) as session:
        asked = [(shop.organization_id, customer_id, reads)]
        return read_usage(session, asked, watermark=watermark)


def totals(parts: Sequence[UsagePart]) -> dict[int, Decimal]:
    """What each span comes to."""
    found: dict[int, Decimal] = {}
    for part in parts:
        found[part.place] = found.get(part.place, Decimal(0)) + (part.figures["total"] or 0)
    return found


def newest(parts: Sequence[UsagePart]) -> Decimal | None:
    """The newest value of one span."""
    known = [
        (part.newest_at, part.newest_value)
        for part in parts
        if part.newest_at is not None and part.newest_value is not None
    ]
    return max(known)[1] if known else None


async def test_no_span_is_answered_by_the_watermark_alone(
    shop: Shop, meter: Meter, customer_id: UUID
) -> None:
    before, nothing = read(shop, customer_id, meter)
    await write([event(shop, meter.id, customer_id, MARCH)], shop)

    after, _ = read(shop, customer_id, meter)

    assert nothing == []
    assert after > before


async def test_event_on_a_boundary_is_in_the_span_that_begins_there(
    shop: Shop, meter: Meter, customer_id: UUID
) -> None:
    """Boundaries on an hour, inside of one, and between two edges of it."""
    bounds = [MARCH, MARCH + HOUR, MARCH + HOUR + 20 * MINUTE, MARCH + HOUR + 40 * MINUTE]
    await write(
        [
            event(shop, meter.id, customer_id, bound + offset, 10**place)
            for place, (bound, offset) in enumerate(
                (bound, offset) for bound in bounds for offset in (-MICROSECOND, timedelta(0))
            )
        ],
        shop,
    )

    _, parts = read(
        shop, customer_id, meter, *zip(bounds, [*bounds[1:], bounds[-1] + HOUR], strict=True)
    )

    assert totals(parts) == {0: 110, 1: 11000, 2: 1100000, 3: 10000000}


async def test_of_whole_hours_and_edges_nothing_is_counted_twice(
    shop: Shop, meter: Meter, customer_id: UUID
) -> None:
    every_ten_minutes = [MARCH + place * 10 * MINUTE for place in range(36)]
    await write([event(shop, meter.id, customer_id, at) for at in every_ten_minutes], shop)

    _, parts = read(shop, customer_id, meter, (MARCH + 30 * MINUTE, MARCH + 5 * HOUR + 30 * MINUTE))

    assert totals(parts) == {0: 30}
    assert sum(part.event_count for part in parts) == 30


async def test_of_two_events_at_one_instant_the_later_arrival_is_the_newest(
    shop: Shop, meter: Meter, customer_id: UUID
) -> None:
    await write([event(shop, meter.id, customer_id, MARCH, 9)], shop)
    await write([event(shop, meter.id, customer_id, MARCH, 4)], shop)

    _, of_hour = read(shop, customer_id, meter, (MARCH, MARCH + HOUR))
    _, of_edge = read(shop, customer_id, meter, (MARCH, MARCH + MINUTE))

    assert (newest(of_hour), newest(of_edge)) == (4, 4)


async def test_edge_reads_events_with_their_newest_correction(
    shop: Shop, meter: Meter, customer_id: UUID
) -> None:
    facts = [
        Fact(at=MARCH, value=Decimal(5)),
        Fact(at=MARCH, value=Decimal(50), correction="void"),
        Fact(at=MARCH, value=Decimal(500), correction=Decimal(7)),
        Fact(at=MARCH, value=Decimal(5000), counted=False),
        Fact(at=MARCH, value=Decimal(50000), paused=True),
    ]
    store_events(shop, customer_id, meter.id, facts)

    _, parts = read(shop, customer_id, meter, (MARCH, MARCH + MINUTE))

    assert totals(parts) == {0: 12}


async def test_up_to_a_watermark_neither_later_events_nor_later_corrections_are_read(
    shop: Shop, meter: Meter, customer_id: UUID
) -> None:
    span = (MARCH, MARCH + 2 * HOUR)
    store_events(shop, customer_id, meter.id, [Fact(at=MARCH, value=Decimal(5))])
    watermark, _ = read(shop, customer_id, meter)
    store_events(shop, customer_id, meter.id, [Fact(at=MARCH, value=Decimal(50))])

    _, parts = read(shop, customer_id, meter, span, watermark=watermark)

    assert totals(parts) == {0: 5}


async def test_value_of_an_hour_and_of_an_edge_is_one_value(
    shop: Shop, meter: Meter, customer_id: UUID
) -> None:
    at = [MARCH, MARCH + HOUR, MARCH + HOUR + MINUTE]
    values = ["ada", "ada", "ben"]
    await write(
        [
            event(shop, meter.id, customer_id, instant, distinct_value=value)
            for instant, value in zip(at, values, strict=True)
        ],
        shop,
    )

    _, parts = read(shop, customer_id, meter, (MARCH, MARCH + HOUR + 2 * MINUTE), distinct=True)

    assert [part.distinct_count for part in parts if part.distinct_count is not None] == [2]


async def test_usage_of_another_customer_meter_or_organization_is_not_read(
    shop: Shop, other_shop: Shop, meter: Meter, customer_id: UUID
) -> None:
    elsewhere, others = shop.add_meter("elsewhere"), other_shop.add_meter()
    await write([event(shop, meter.id, add_customer(shop).id, MARCH)], shop)
    await write([event(shop, elsewhere.id, customer_id, MARCH)], shop)
    await write([event(other_shop, others.id, add_customer(other_shop).id, MARCH)], other_shop)

    _, parts = read(
        shop, customer_id, meter, (MARCH, MARCH + HOUR), (MARCH, MARCH + MINUTE), distinct=True
    )

    assert totals(parts) == {0: 0, 1: 0}
    assert sum(part.event_count for part in parts) == 0
