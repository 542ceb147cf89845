"""Hours out of raw events: what is stored is compared with them, and each difference named."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from billing.metering.aggregations import Aggregation
from models.catalog.meters import Meter
from repositories.usage.rollups import (
    Hours,
    RollupDifference,
    list_differences,
    write_hour,
    write_rollups,
)
from tests.repositories.rows import MARCH, event, rollups, write
from tests.services.limited import add_customer
from tests.services.shop import Shop

HOUR = timedelta(hours=1)


@pytest.fixture
def meter(shop: Shop) -> Meter:
    return shop.add_meter(aggregation_type=Aggregation.UNIQUE_COUNT, property_name="user")


@pytest.fixture
async def customer_id(shop: Shop, meter: Meter) -> UUID:
    """A customer with an event in each of two hours."""
    customer_id = add_customer(shop).id
    await write(
        [
            event(shop, meter.id, customer_id, MARCH, "1.50", distinct_value="ada"),
            event(shop, meter.id, customer_id, MARCH + HOUR, 2, distinct_value="ben"),
        ],
        shop,
    )
    return customer_id


def change(shop: Shop, statement: str) -> None:
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.execute(text(statement), {"march": MARCH, "second": MARCH + HOUR})


def differences(shop: Shop, limit: int = 100) -> list[tuple[str, int]]:
    """The kind and the hour of each difference."""
    found: list[RollupDifference] = list(shop.read(list_differences, limit=limit))
    return [(one.kind, (one.hour - MARCH) // HOUR) for one in found]


def test_hours_that_were_written_as_events_came_are_what_these_come_to(
    shop: Shop, customer_id: UUID
) -> None:
    assert differences(shop) == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DELETE FROM usage_rollup WHERE hour = :second", [("rollup", 1)]),
        (
            "UPDATE usage_rollup SET hour = hour + interval '9 hours' WHERE hour = :second",
            [("rollup", 1), ("rollup", 10)],
        ),
        ("UPDATE usage_rollup SET total = total + 1 WHERE hour = :march", [("rollup", 0)]),
        ("UPDATE usage_rollup SET last_sequence = 1 WHERE hour = :march", [("rollup", 0)]),
        ("UPDATE usage_rollup SET recorded_count = 3 WHERE hour = :march", [("rollup", 0)]),
        ("UPDATE usage_rollup SET total = 1.5, last_value = 1.500 WHERE hour = :march", []),
        ("DELETE FROM usage_distinct WHERE hour = :march", [("distinct value", 0)]),
        (
            "UPDATE usage_distinct SET hour = :second WHERE hour = :march",
            [("distinct value", 0), ("distinct value", 1)],
        ),
    ],
    ids=[
        "an hour is missing",
        "an hour is another",
        "a figure is another",
        "the newest event is another",
        "an event is too many",
        "only zeros at the end are others",
        "a value is missing",
        "a value is in another hour",
    ],
)
def test_each_difference_is_named_by_its_hour(
    shop: Shop, customer_id: UUID, statement: str, found: list[tuple[str, int]]
) -> None:
    change(shop, statement)

    assert differences(shop) == found


def test_no_more_differences_are_read_than_asked_for(shop: Shop, customer_id: UUID) -> None:
    change(shop, "UPDATE usage_rollup SET total = 0")

    assert len(differences(shop)) == 2
    assert len(differences(shop, limit=1)) == 1


def test_differences_of_another_organization_are_its_own(
    shop: Shop, other_shop: Shop, customer_id: UUID
) -> None:
    change(shop, "DELETE FROM usage_rollup")

    assert differences(other_shop) == []
    assert shop.read(write_rollups) == 2
    assert differences(shop) == []


def test_one_hour_is_written_anew_and_no_other(shop: Shop, meter: Meter, customer_id: UUID) -> None:
    change(shop, "UPDATE usage_rollup SET total = 0")
    hour = Hours(
        organization_id=shop.organization_id,
        customer_id=customer_id,
        meter_id=meter.id,
        hour=MARCH + HOUR,
    )

    with shop.transactions.for_organization(shop.organization_id) as session:
        write_hour(session, hour)

    assert [one.total for one in rollups(shop)] == [0, 2]
