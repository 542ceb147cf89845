"""Which final periods an event marks: its own, and those whose amount follows from its time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from billing.metering.aggregations import Aggregation
from billing.periods import Interval
from models.base import new_id
from models.catalog.plans import Plan
from models.invoicing.late_usage import LateUsageMark
from models.subscriptions.subscriptions import OutboxMessage
from repositories.ingestion.late_marks import mark_changed_periods
from services.catalog.meters import CreateMeter, MeterDetails
from tests.repositories.rows import (
    APRIL,
    FEBRUARY,
    JANUARY,
    MARCH,
    event,
    one_transaction,
    store,
    subscribe,
    write,
)
from tests.services.limited import add_customer
from tests.services.shop import NOW, Shop

MICROSECOND, DAY = timedelta(microseconds=1), timedelta(days=1)
QUARTER = [
    (JANUARY, FEBRUARY, "final"),
    (FEBRUARY, MARCH, "final"),
    (MARCH, APRIL, "final"),
]


class Books:
    """A customer whose periods of January to March are final, on a plan that charges a meter."""

    def __init__(self, shop: Shop, *, grant: dict[str, Any] | None = None, **meter: Any) -> None:
        self.shop = shop
        details = MeterDetails(**{"aggregation_type": Aggregation.SUM, **meter})
        feature = shop.add_feature(meter=CreateMeter(meter_name="calls", details=details))
        assert feature.meter_id is not None
        self.meter_id: UUID = feature.meter_id
        self.plan: Plan = shop.add_plan()
        shop.add_usage_charge(self.plan, self.meter_id)
        if grant is not None:
            shop.grant(self.plan, feature, **grant)
        self.customer_id = add_customer(shop).id
        self.subscription = subscribe(shop, self.customer_id, self.plan, *QUARTER)

    async def mark(self, *instants: datetime, **scope: UUID) -> None:
        """Events of the customer happened then, unless ``scope`` names others."""
        meter_id = scope.get("meter_id", self.meter_id)
        customer_id = scope.get("customer_id", self.customer_id)
        async with one_transaction(self.shop) as connection:
            events = [event(self.shop, meter_id, customer_id, one) for one in instants]
            await mark_changed_periods(connection, events, now=NOW)

    def marked(self) -> list[int]:
        """The periods that are to be rated again."""
        return [one.period_index for one in self.marks()]

    def marks(self) -> Sequence[LateUsageMark]:
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            found = select(LateUsageMark).order_by(col(LateUsageMark.period_index))
            return session.exec(found).all()

    def settle_by(self, policy: str) -> None:
        """Late usage of the organization is settled so."""
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            session.execute(text("UPDATE organization SET late_usage = :it"), {"it": policy})

    def woken(self) -> list[Any]:
        """The subscriptions whose workflows are woken."""
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            return [one.payload["subscription_id"] for one in session.exec(select(OutboxMessage))]


@pytest.mark.parametrize(
    ("at", "marked"),
    [
        (JANUARY - MICROSECOND, []),
        (JANUARY, [0]),
        (FEBRUARY - MICROSECOND, [0]),
        (FEBRUARY, [1]),
        (APRIL - MICROSECOND, [2]),
        (APRIL, []),
    ],
)
async def test_event_marks_the_period_that_it_lies_in(
    shop: Shop, at: datetime, marked: list[int]
) -> None:
    books = Books(shop)

    await books.mark(at)

    assert books.marked() == marked


async def test_nothing_of_another_meter_or_customer_is_marked(shop: Shop, other_shop: Shop) -> None:
    books, others = Books(shop), Books(other_shop)

    await books.mark(FEBRUARY, meter_id=shop.add_meter("elsewhere").id)
    await books.mark(FEBRUARY, customer_id=add_customer(shop).id)
    await books.mark(FEBRUARY, meter_id=others.meter_id, customer_id=others.customer_id)

    assert (books.marked(), others.marked()) == ([], [])


async def test_period_that_is_not_final_is_not_marked(shop: Shop) -> None:
    books = Books(shop)
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.execute(text("UPDATE subscription_period SET status = 'drafted' WHERE index = 1"))

    await books.mark(JANUARY, FEBRUARY, MARCH)

    assert books.marked() == [0, 2]


@pytest.mark.parametrize(
    ("aggregation", "marked"),
    [(Aggregation.SUM, [0]), (Aggregation.LAST, [0, 1]), (Aggregation.WEIGHTED_SUM, [0, 1, 2])],
)
async def test_level_is_carried_forward_up_to_the_next_event_or_for_ever(
    shop: Shop, aggregation: Aggregation, marked: list[int]
) -> None:
    carries = aggregation is not Aggregation.SUM
    books = Books(shop, aggregation_type=aggregation, carry_forward=carries)
    # An event of February: March begins with its value, whatever happened in January.
    await write([event(shop, books.meter_id, books.customer_id, FEBRUARY + DAY)], shop)

    await books.mark(JANUARY + DAY)

    assert books.marked() == marked


async def test_hour_whose_events_all_do_not_count_carries_nothing(shop: Shop) -> None:
    books = Books(shop, aggregation_type=Aggregation.LAST, carry_forward=True)
    idle = event(shop, books.meter_id, books.customer_id, FEBRUARY + DAY, counted=False)
    await write([idle], shop)

    await books.mark(JANUARY + DAY)

    assert books.marked() == [0, 1, 2]


@pytest.mark.parametrize(
    ("reset", "marked"),
    [(Interval.DAY, [0]), (Interval.MONTH, [0, 1]), (Interval.YEAR, [0, 1, 2])],
)
async def test_periods_that_may_share_an_allowance_window_are_marked(
    shop: Shop, reset: Interval, marked: list[int]
) -> None:
    books = Books(shop, grant={"usage_limit": Decimal(100), "usage_reset_period": reset})

    await books.mark(JANUARY + 14 * DAY)

    assert books.marked() == marked


async def test_many_events_mark_a_period_once_and_wake_its_workflow_once(shop: Shop) -> None:
    books = Books(shop)
    books.settle_by("credit_note_or_invoice")

    await books.mark(FEBRUARY, FEBRUARY, FEBRUARY + DAY, MARCH)
    await books.mark(FEBRUARY)

    assert books.marked() == [1, 2]
    assert books.woken() == [str(books.subscription.id)]


async def test_workflow_that_leaves_differences_to_bills_sleeps_on(shop: Shop) -> None:
    books = Books(shop)
    books.settle_by("next_invoice")

    await books.mark(FEBRUARY)

    assert (books.marked(), books.woken()) == ([1], [])


async def test_difference_that_a_draft_has_taken_up_waits_again(shop: Shop) -> None:
    books = Books(shop)
    mark = LateUsageMark(
        organization_id=shop.organization_id,
        subscription_id=books.subscription.id,
        period_index=1,
        marked_at=MARCH,
        draft_id=new_id(),
    )
    store(shop, mark)

    await books.mark(FEBRUARY)

    [found] = books.marks()
    assert (found.draft_id, found.marked_at) == (None, NOW)


async def test_difference_that_waits_keeps_the_instant_that_it_waits_since(shop: Shop) -> None:
    books = Books(shop)
    mark = LateUsageMark(
        organization_id=shop.organization_id,
        subscription_id=books.subscription.id,
        period_index=1,
        marked_at=MARCH,
    )
    store(shop, mark)

    await books.mark(FEBRUARY)

    assert [one.marked_at for one in books.marks()] == [MARCH]
