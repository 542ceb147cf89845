"""Void and amend are new facts: the event stays, what it counts for changes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlmodel import select

from billing.errors import Conflict, InvalidInput, NotFound
from billing.metering.aggregations import Aggregation
from billing.rating.quantities import UsageWindow
from billing.ratios import as_decimal
from models.base import new_id
from models.usage.events import UsageCorrection
from services.usage.corrections import amend_usage, void_usage
from services.usage.measure import measure_usage, recompute_usage
from services.usage.rollups import rebuild_rollups, verify_rollups
from tests.services.shop import Shop
from tests.services.usage.windows import add_customer, window
from tests.services.usage_facts import Fact, store_events

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(hours=24)


class Counter:
    """A meter of one customer with three events of 3, 50 and 7 in one hour."""

    def __init__(self, shop: Shop, aggregation: Aggregation) -> None:
        self.shop = shop
        self.meter = shop.add_meter(f"meter_{new_id()}", aggregation_type=aggregation)
        self.customer_id = add_customer(shop)
        facts = [
            Fact(at=NOON + timedelta(minutes=minute), value=Decimal(value), distinct_value=user)
            for minute, value, user in ((1, 3, "ada"), (2, 50, "ben"), (3, 7, "ada"))
        ]
        self.events = store_events(shop, self.customer_id, self.meter.id, facts)
        shop.read(rebuild_rollups)

    def usage(self) -> Decimal:
        measured = self.shop.read(measure_usage, self.customer_id, [self.day()])
        assert self.shop.read(verify_rollups).is_equal
        return as_decimal(measured.usage[0].aggregate)

    def day(self) -> UsageWindow:
        return window(self.meter, NOON - DAY, NOON + DAY)

    def void(self, place: int) -> None:
        self.shop.do(void_usage, self.events[place].id)

    def amend(self, place: int, quantity: str) -> None:
        self.shop.do(amend_usage, self.events[place].id, Decimal(quantity))


@pytest.mark.parametrize(
    ("aggregation", "before", "after"),
    [
        (Aggregation.SUM, "60", "10"),
        (Aggregation.COUNT, "3", "2"),
        (Aggregation.MAX, "50", "7"),
        (Aggregation.MIN, "3", "3"),
        (Aggregation.AVG, "20", "5"),
        (Aggregation.LAST, "7", "7"),
        (Aggregation.UNIQUE_COUNT, "2", "1"),
    ],
)
def test_a_void_cancels_exactly_its_event(
    shop: Shop, aggregation: Aggregation, before: str, after: str
) -> None:
    counter = Counter(shop, aggregation)
    assert counter.usage() == Decimal(before)

    counter.void(1)

    assert counter.usage() == Decimal(after)


def test_voiding_the_last_event_uncovers_the_one_before(shop: Shop) -> None:
    counter = Counter(shop, Aggregation.LAST)

    counter.void(2)

    assert counter.usage() == Decimal(50)


def test_voiding_everything_leaves_nothing(shop: Shop) -> None:
    counter = Counter(shop, Aggregation.MAX)

    for place in range(3):
        counter.void(place)

    assert counter.usage() == Decimal(0)


def test_a_second_void_changes_nothing(shop: Shop) -> None:
    counter = Counter(shop, Aggregation.SUM)

    counter.void(1)
    counter.void(1)

    assert counter.usage() == Decimal(10)
    assert len(corrections_of(shop, counter.events[1].id)) == 1


def test_an_amended_event_counts_with_its_new_quantity(shop: Shop) -> None:
    counter = Counter(shop, Aggregation.SUM)

    counter.amend(1, "0.0000000000000000001")

    assert counter.usage() == Decimal("10.0000000000000000001")


def test_amending_twice_keeps_the_newest_quantity(shop: Shop) -> None:
    counter = Counter(shop, Aggregation.MAX)

    counter.amend(0, "90")
    counter.amend(0, "4")

    assert counter.usage() == Decimal(50)
    assert len(corrections_of(shop, counter.events[0].id)) == 2


def test_amending_to_what_it_is_changes_nothing(shop: Shop) -> None:
    counter = Counter(shop, Aggregation.SUM)

    counter.amend(0, "5")
    counter.amend(0, "5.0")

    assert counter.usage() == Decimal(62)
    assert len(corrections_of(shop, counter.events[0].id)) == 1


def test_a_void_event_cannot_be_amended(shop: Shop) -> None:
    counter = Counter(shop, Aggregation.SUM)
    counter.void(0)

    with pytest.raises(Conflict) as refused:
        counter.amend(0, "5")

    assert refused.value.code == "event_void"
    assert counter.usage() == Decimal(57)


@pytest.mark.parametrize("quantity", ["0", "-1", "1e30", "0.000000000000000000001"])
def test_a_quantity_that_the_meter_does_not_take_is_refused(shop: Shop, quantity: str) -> None:
    counter = Counter(shop, Aggregation.SUM)

    with pytest.raises(InvalidInput) as refused:
        counter.amend(0, quantity)

    assert refused.value.field == "quantity"
    assert counter.usage() == Decimal(60)


def test_another_organizations_event_does_not_exist(shop: Shop, other_shop: Shop) -> None:
    counter = Counter(shop, Aggregation.SUM)

    with pytest.raises(NotFound):
        other_shop.do(void_usage, counter.events[0].id)

    assert counter.usage() == Decimal(60)


@pytest.mark.parametrize("event_id", [UUID(int=0), UUID(int=2**128 - 1), new_id()])
def test_an_unknown_event_is_not_found(shop: Shop, event_id: UUID) -> None:
    with pytest.raises(NotFound) as refused:
        shop.do(void_usage, event_id)

    assert refused.value.code == "usage_event_not_found"


def test_an_event_before_1970_is_found_by_its_id(shop: Shop) -> None:
    meter = shop.add_meter(aggregation_type=Aggregation.SUM)
    customer_id = add_customer(shop)
    ancient = datetime(1969, 7, 20, tzinfo=UTC)
    (event,) = store_events(shop, customer_id, meter.id, [Fact(at=ancient)])
    shop.read(rebuild_rollups)

    shop.do(void_usage, event.id)

    day = window(meter, ancient, ancient + DAY)
    assert shop.read(measure_usage, customer_id, [day]).usage[0].aggregate == Decimal(0)


def test_a_bill_is_recomputed_without_later_corrections(shop: Shop) -> None:
    counter = Counter(shop, Aggregation.SUM)
    frozen = shop.read(measure_usage, counter.customer_id, [counter.day()])

    counter.void(1)

    arguments = (counter.customer_id, [each.window for each in frozen.usage])
    recomputed = shop.read(recompute_usage, *arguments, frozen.watermark)
    assert recomputed == frozen.usage
    assert shop.read(measure_usage, *arguments).watermark > frozen.watermark


@pytest.mark.parametrize("table", ["usage_event", "usage_event_key", "usage_correction"])
@pytest.mark.parametrize("change", ["UPDATE {} SET organization_id = NULL", "DELETE FROM {}"])
def test_the_application_can_neither_change_nor_delete_facts(
    shop: Shop, table: str, change: str
) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        shop.read(lambda session, _: session.execute(text(change.format(table))))


def corrections_of(shop: Shop, event_id: UUID) -> Sequence[UsageCorrection]:
    return shop.read(
        lambda session, _: session.exec(
            select(UsageCorrection).where(UsageCorrection.event_id == event_id)
        ).all()
    )
