"""Writers against each other and against the reading of a bill, on real connections."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest

from api.ingestion.writer import UsageWriter
from billing.metering.aggregations import Aggregation
from repositories.asynchronous.connections import connect
from services.ingestion.submissions import EventResult, EventStatus
from services.usage.measure import measure_usage
from services.usage.rollups import rebuild_rollups, verify_rollups
from tests.faults.ingestion.recomputed import (
    MARCH,
    MONTH,
    arrival_of,
    batch,
    measure,
    month,
    recompute,
    record_late,
    report,
    total,
)
from tests.services.conftest import shop, transactions
from tests.services.shop import NOW, Shop
from tests.services.usage.windows import add_customer, window
from tests.services.usage_facts import Fact, store_events, store_one

__all__ = ["shop", "transactions"]


def now() -> datetime:
    return NOW


@pytest.fixture
async def replicas(shop: Shop) -> AsyncIterator[list[UsageWriter]]:
    """Two replicas of the API, each with connections of its own."""
    made = [UsageWriter(partial(connect, shop.transactions.address), now) for _ in range(2)]
    yield made
    for writer in made:
        await writer.close()


async def test_one_key_at_two_replicas_at_once_makes_one_event(
    shop: Shop, replicas: list[UsageWriter]
) -> None:
    meter, customer_id = shop.add_meter(aggregation_type=Aggregation.SUM), add_customer(shop)
    keys = [f"key-{number}" for number in range(200)]

    async def send(writer: UsageWriter, key: str) -> tuple[str, EventResult]:
        row = report(meter, customer_id, quantity=3, idempotency_key=key)
        (result,) = await writer.submit(batch(shop, [row]))
        return key, result

    jobs = [send(writer, key) for key in keys for writer in replicas * 3]
    random.Random(1).shuffle(jobs)
    answers = await asyncio.gather(*jobs)

    created = Counter(key for key, one in answers if one.status is EventStatus.CREATED)
    assert created == Counter(keys)
    assert {one.status for _, one in answers} == {EventStatus.CREATED, EventStatus.DUPLICATE}
    ids = {(key, str(one.event_id)) for key, one in answers}
    assert len(ids) == len(keys)
    assert total(shop, meter, customer_id) == Decimal(600)


async def test_of_two_contents_under_one_key_one_is_kept(
    shop: Shop, replicas: list[UsageWriter]
) -> None:
    meter, customer_id = shop.add_meter(aggregation_type=Aggregation.SUM), add_customer(shop)

    async def send(writer: UsageWriter, key: str, quantity: int) -> tuple[str, int, EventResult]:
        row = report(meter, customer_id, quantity=quantity, idempotency_key=key)
        (result,) = await writer.submit(batch(shop, [row]))
        return key, quantity, result

    jobs = [
        send(writer, f"clash-{number}", quantity)
        for number in range(100)
        for writer, quantity in zip(replicas, (1, 1000), strict=True)
    ]
    random.Random(2).shuffle(jobs)
    answers = await asyncio.gather(*jobs)

    kept = {key: quantity for key, quantity, one in answers if one.status is EventStatus.CREATED}
    refused = [one for _, _, one in answers if one.status is EventStatus.REJECTED]
    assert (len(kept), len(refused)) == (100, 100)
    assert {one.error.code for one in refused if one.error} == {"idempotency_key_reused"}
    assert total(shop, meter, customer_id) == Decimal(sum(kept.values()))


async def test_writers_of_the_same_hours_in_any_order_neither_lose_nor_deadlock(
    shop: Shop, replicas: list[UsageWriter]
) -> None:
    meters = [shop.add_meter(f"m{n}", aggregation_type=Aggregation.SUM) for n in range(3)]
    customers = [add_customer(shop) for _ in range(12)]
    chance = random.Random(3)
    rows = [
        report(
            chance.choice(meters),
            chance.choice(customers),
            quantity=chance.randrange(1, 100),
            timestamp=(MONTH + timedelta(hours=chance.randrange(5))).isoformat(),
            idempotency_key=f"shared-{chance.randrange(2500)}",
        )
        for _ in range(100 * 60)
    ]
    # A key that comes twice comes with the same content.
    first = {row.idempotency_key: row for row in reversed(rows)}
    rows = [first[row.idempotency_key] for row in rows]

    answers = await asyncio.gather(
        *(
            replicas[number % 2].submit(batch(shop, rows[number * 100 : number * 100 + 100]))
            for number in range(60)
        )
    )

    statuses = Counter(one.status for results in answers for one in results)
    assert statuses[EventStatus.CREATED] == len(first)
    assert statuses[EventStatus.REJECTED] == 0
    expected = Decimal(sum(row.quantity for row in first.values()))
    measured = [total(shop, meter, customer) for meter in meters for customer in customers]
    assert sum(measured) == expected
    assert shop.read(verify_rollups).is_equal


async def test_a_month_that_two_replicas_meet_at_once_gets_one_partition(
    shop: Shop, replicas: list[UsageWriter]
) -> None:
    meter, customer_id = shop.add_meter(aggregation_type=Aggregation.SUM), add_customer(shop)
    years = ["0001-01-01", "1969-07-20", "1999-12-31", "2000-01-01", "2003-02-28", "2011-06-15"]
    months = [f"2016-{month:02}-28" for month in range(1, 13)]

    answers = await asyncio.gather(
        *(
            writer.submit(
                batch(
                    shop,
                    [report(meter, customer_id, quantity=1, timestamp=f"{day}T23:59:59.999999Z")],
                )
            )
            for day in years + months
            for writer in replicas
        )
    )

    assert [one.status for (one,) in answers] == [EventStatus.CREATED] * 36
    beginning = datetime(1, 1, 1, tzinfo=UTC)
    measured = shop.read(measure_usage, customer_id, [window(meter, beginning, MARCH)])
    assert measured.usage[0].aggregate == Decimal(36)
    assert shop.read(verify_rollups).is_equal


async def test_a_bill_waits_for_events_that_are_on_their_way(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter, customer_id = shop.add_meter(aggregation_type=Aggregation.SUM), add_customer(shop)
    store_events(shop, customer_id, meter.id, [Fact(at=MONTH)])
    shop.read(rebuild_rollups)
    connection = await connect(shop.transactions.address)
    commit, is_written, may_commit = connection.commit, asyncio.Event(), asyncio.Event()

    async def commit_later() -> None:
        is_written.set()
        await may_commit.wait()
        await commit()

    monkeypatch.setattr(connection, "commit", commit_later)
    writing = asyncio.create_task(record_late(connection, shop, meter, customer_id))
    await is_written.wait()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(measure, shop, meter, customer_id)
        await asyncio.sleep(0.5)
        assert not reading.done()
        may_commit.set()
        measured = await asyncio.wrap_future(reading)
    await writing

    await connection.close()
    assert measured.usage[0].aggregate == Decimal(8)
    assert recompute(shop, customer_id, measured) == measured.usage


async def test_events_wait_for_a_bill_that_is_being_read(shop: Shop) -> None:
    meter, customer_id = shop.add_meter(aggregation_type=Aggregation.SUM), add_customer(shop)
    connection = await connect(shop.transactions.address)

    with shop.transactions.for_organization(shop.organization_id) as session:
        measured = measure_usage(session, shop.organization_id, customer_id, [month(meter)])
        writing = asyncio.create_task(record_late(connection, shop, meter, customer_id))
        await asyncio.sleep(0.5)
        assert not writing.done()
    await writing

    await connection.close()
    assert measured.usage[0].aggregate == Decimal(0)
    later = measure(shop, meter, customer_id)
    assert later.usage[0].aggregate == Decimal(7)
    assert arrival_of(shop, customer_id) > measured.watermark
    assert recompute(shop, customer_id, measured) == measured.usage


def test_without_the_lock_a_watermark_would_lie(shop: Shop) -> None:
    """What the lock prevents: a smaller arrival sequence appears after the watermark was read."""
    meter, customer_id = shop.add_meter(aggregation_type=Aggregation.SUM), add_customer(shop)
    store_events(shop, customer_id, meter.id, [Fact(at=MONTH)])
    shop.read(rebuild_rollups)

    with shop.transactions.for_organization(shop.organization_id) as session:
        store_one(session, shop, customer_id, meter.id, Fact(at=MONTH, value=Decimal(7)))
        measured = measure(shop, meter, customer_id)

    assert arrival_of(shop, customer_id) <= measured.watermark
    assert recompute(shop, customer_id, measured) != measured.usage


async def test_every_bill_read_under_load_can_be_recomputed(
    shop: Shop, replicas: list[UsageWriter]
) -> None:
    meter, customer_id = shop.add_meter(aggregation_type=Aggregation.SUM), add_customer(shop)
    done = asyncio.Event()

    async def write(writer: UsageWriter, seed: int) -> int:
        chance, sent = random.Random(seed), 0
        while not done.is_set():
            rows = [
                report(
                    meter,
                    customer_id,
                    quantity=1,
                    timestamp=(MONTH + timedelta(seconds=chance.randrange(27 * 86400))).isoformat(),
                )
                for _ in range(chance.randrange(1, 20))
            ]
            await writer.submit(batch(shop, rows))
            sent += len(rows)
        return sent

    writing = [asyncio.create_task(write(replicas[n % 2], n)) for n in range(6)]
    bills = [await asyncio.to_thread(measure, shop, meter, customer_id) for _ in range(40)]
    done.set()
    sent = sum(await asyncio.gather(*writing))

    assert len({bill.watermark for bill in bills}) > 10
    for bill in bills:
        assert recompute(shop, customer_id, bill) == bill.usage
    assert measure(shop, meter, customer_id).usage[0].aggregate == Decimal(sent)
    assert shop.read(verify_rollups).is_equal
