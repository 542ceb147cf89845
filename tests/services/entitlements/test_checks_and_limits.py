"""A check grants access exactly when ingestion takes the next unit, whatever grants meet."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest

from billing.periods import Interval
from services.catalog.terms_cache import TermsCache
from services.entitlements.access import list_entitlements
from services.entitlements.credit import CapQuestion, CreditQuestion
from tests.kept_connections import connect_kept, run_here
from tests.services.limited import Limited, limit, subscribe
from tests.services.shop import NOW, Shop

WINDOWS = (Interval.DAY, Interval.WEEK, Interval.MONTH, Interval.YEAR)


async def everything_is_paid(question: CreditQuestion | CapQuestion) -> bool:
    """Nothing is blocked here for want of credit, so nobody asks."""
    raise AssertionError(question)


def has_access(limited: Limited) -> bool:
    """What a check says now."""

    async def check() -> bool:
        shop = limited.shop
        async with await connect_kept(shop.transactions.address) as connection:
            (answer,) = await list_entitlements(
                connection,
                shop.organization_id,
                str(limited.customer.id),
                cache=TermsCache(),
                has_credit=everything_is_paid,
                now=NOW,
            )
        return answer.entitlement.has_access

    return run_here(check())


@pytest.mark.parametrize("seed", range(12))
def test_next_unit_is_taken_exactly_where_a_check_grants_access(shop: Shop, seed: int) -> None:
    chance = random.Random(seed)
    limited = limit(shop, usage_limit=Decimal(chance.randint(2, 4)))
    for number in range(chance.randint(1, 3)):
        plan = shop.add_plan(f"plan {number}")
        shop.grant(
            plan,
            limited.feature,
            usage_limit=Decimal(chance.randint(2, 4)),
            reject_over_limit=True,
            usage_reset_period=chance.choice(WINDOWS),
        )
        subscribe(shop, limited.customer, plan)
    yesterday = chance.randint(0, 4)
    limited.use(*(1,) * yesterday, timestamp="2026-03-01T07:00:00Z")

    for _ in range(6):
        granted = has_access(limited)
        assert limited.use(1) == ["created" if granted else "limit_exceeded"]
