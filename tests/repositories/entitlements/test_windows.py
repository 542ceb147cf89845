"""Thresholds that were reached: each is told once for its window, by one message."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import select

from models.entitlements import EntitlementThreshold, EntitlementWindow
from repositories.entitlements.windows import (
    LimitWindow,
    ReachedThreshold,
    insert_thresholds,
    list_told,
    lock_windows,
)
from tests.repositories.rows import APRIL, FEBRUARY, MARCH, one_transaction
from tests.services.limited import Limited, limit
from tests.services.shop import NOW, Shop


def window(
    limited: Limited, starts_at: datetime = FEBRUARY, ends_at: datetime = MARCH
) -> LimitWindow:
    return LimitWindow(
        organization=str(limited.shop.organization_id),
        subscription=str(limited.subscription.id),
        feature=str(limited.feature.id),
        starts_at=starts_at,
        ends_at=ends_at,
    )


async def tell(*reached: tuple[LimitWindow, int], shops: tuple[Shop, ...]) -> None:
    """These percentages were reached, as one batch finds them."""
    async with one_transaction(*shops) as connection:
        await lock_windows(connection, {one for one, _ in reached})
        found = [
            ReachedThreshold(window=one, percent=percent, data={"threshold": percent, "usage": 0})
            for one, percent in reached
        ]
        await insert_thresholds(connection, found, now=NOW)


async def test_threshold_is_told_once_whoever_reaches_it_again(shop: Shop) -> None:
    limited = limit(shop)

    await tell((window(limited), 80), shops=(shop,))
    await tell((window(limited), 80), (window(limited), 100), shops=(shop,))

    assert limited.told() == [(80, 0), (100, 0)]


async def test_same_threshold_of_the_next_window_is_told_anew(shop: Shop) -> None:
    limited = limit(shop)

    await tell((window(limited), 80), (window(limited, MARCH, APRIL), 80), shops=(shop,))

    assert limited.told() == [(80, 0), (80, 0)]


async def test_no_threshold_is_no_message(shop: Shop) -> None:
    limited = limit(shop)

    await tell(shops=(shop,))

    assert limited.told() == []


async def test_window_has_one_row_however_often_it_is_waited_for(shop: Shop) -> None:
    limited = limit(shop)

    for _ in range(2):
        async with one_transaction(shop) as connection:
            await lock_windows(connection, [window(limited)])

    with shop.transactions.for_organization(shop.organization_id) as session:
        rows = session.exec(select(EntitlementWindow)).all()
    assert [(one.starts_at, one.ends_at) for one in rows] == [(FEBRUARY, MARCH)]


async def test_only_the_windows_that_are_named_are_answered_for(
    shop: Shop, other_shop: Shop
) -> None:
    mine, theirs = limit(shop), limit(other_shop)
    await tell((window(mine), 80), (window(theirs), 100), shops=(shop, other_shop))

    async with one_transaction(shop, other_shop) as connection:
        assert await list_told(connection, []) == set()
        assert await list_told(connection, [window(mine, MARCH, APRIL)]) == set()
        assert await list_told(connection, [window(mine)]) == {(window(mine).key, 80)}

    with shop.transactions.for_organization(shop.organization_id) as session:
        assert [one.threshold for one in session.exec(select(EntitlementThreshold))] == [80]
