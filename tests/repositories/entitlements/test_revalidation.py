"""Whether a check may be answered from the cache: each row that it was decided from counts."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from models.customers import Customer
from repositories.asynchronous.connections import connect
from repositories.entitlements.revalidation import (
    CheckQuestion,
    Revalidation,
    WindowSums,
    read_revalidations,
)
from tests.repositories.rows import APRIL, MARCH, event, store, write
from tests.services.limited import Limited, add_customer, limit
from tests.services.shop import NOW, Shop

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)

CHANGES = {
    "the customer's name": "UPDATE customer SET name = name",
    "a feature": "UPDATE feature SET name = name",
    "a meter": "UPDATE meter SET organization_id = organization_id",
    "a subscription": "UPDATE subscription SET cancel_at_period_end = true",
    "a period": "UPDATE subscription_period SET revision = 2",
    "a plan": "UPDATE plan SET name = name",
}


async def ask(shop: Shop, *questions: CheckQuestion) -> list[Revalidation | None]:
    async with await connect(shop.transactions.address) as connection:
        return await read_revalidations(connection, shop.organization_id, questions)


async def validator(limited: Limited) -> str:
    """The validator of the customer's check of the feature."""
    question = CheckQuestion(str(limited.customer.id), "calls", None)
    [found] = await ask(limited.shop, question)
    assert found is not None
    return found.validator


def meter_of(limited: Limited) -> UUID:
    assert limited.feature.meter_id is not None
    return limited.feature.meter_id


async def test_validator_stays_while_no_row_changes(shop: Shop, other_shop: Shop) -> None:
    limited = limit(shop)
    first = await validator(limited)

    limit(other_shop)
    add_customer(shop)

    assert await validator(limited) == first


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES)
async def test_validator_is_another_once_a_row_was_written(shop: Shop, statement: str) -> None:
    limited = limit(shop)
    first = await validator(limited)

    with shop.transactions.for_organization(shop.organization_id) as session:
        assert session.execute(text(f"{statement} RETURNING organization_id")).all()

    assert await validator(limited) != first


async def test_validator_is_another_once_a_subscription_has_ended(shop: Shop) -> None:
    limited = limit(shop)
    first = await validator(limited)

    with shop.transactions.for_organization(shop.organization_id) as session:
        session.execute(
            text("UPDATE subscription SET status = 'CANCELED', ended_at = :now"), {"now": NOW}
        )

    assert await validator(limited) != first


async def test_unknown_customers_and_features_are_answered_by_nothing_in_their_place(
    shop: Shop, other_shop: Shop
) -> None:
    limited, foreign = limit(shop), limit(other_shop)
    customer = str(limited.customer.id)

    found = await ask(
        shop,
        CheckQuestion("nobody", "calls", None),
        CheckQuestion(customer, "calls", None),
        CheckQuestion(customer, "unknown", None),
        CheckQuestion(str(foreign.customer.id), "calls", None),
    )

    assert [one is not None for one in found] == [False, True, False, False]


async def test_id_wins_over_the_external_id_of_another_customer(shop: Shop) -> None:
    limited = limit(shop)
    first = await validator(limited)
    external = Customer(
        organization_id=shop.organization_id,
        external_id=str(limited.customer.id),
        name="Elsewhere",
        created_at=NOW,
        updated_at=NOW,
    )

    store(shop, external)

    assert await validator(limited) == first


async def test_whole_hours_are_summed_and_edges_only_told_apart(shop: Shop) -> None:
    limited = limit(shop)
    at = [MARCH + 20 * MINUTE, MARCH + HOUR, MARCH + 2 * HOUR, MARCH + 3 * HOUR]
    events = [
        event(shop, meter_of(limited), limited.customer.id, one, 10**place)
        for place, one in enumerate(at)
    ]
    window = WindowSums(meter_of(limited), MARCH + 30 * MINUTE, MARCH + 3 * HOUR)
    question = CheckQuestion(str(limited.customer.id), "calls", window)
    [empty] = await ask(shop, question)
    await write(events, shop)

    [found] = await ask(shop, question)

    assert empty is not None
    assert found is not None
    assert (empty.total, empty.event_count, empty.edges) == (0, 0, None)
    # The hour before the window's first whole one is an edge; the one at its end is outside.
    assert (found.total, found.event_count) == (110, 2)
    assert found.edges is not None
    assert found.validator == empty.validator


async def test_event_in_an_hour_of_an_edge_changes_its_validator(shop: Shop) -> None:
    limited = limit(shop)
    window = WindowSums(meter_of(limited), MARCH + 30 * MINUTE, APRIL)
    question = CheckQuestion(str(limited.customer.id), "calls", window)
    used = [
        event(shop, meter_of(limited), limited.customer.id, MARCH + 40 * MINUTE) for _ in range(2)
    ]
    await write(used[:1], shop)
    [first] = await ask(shop, question)

    await write(used[1:], shop)

    [second] = await ask(shop, question)
    assert first is not None
    assert second is not None
    assert (first.total, second.total) == (0, 0)
    assert first.edges != second.edges
