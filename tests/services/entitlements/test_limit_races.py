"""Limits under concurrency: never passed by anything, thresholds neither missed nor doubled."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from billing.metering.aggregations import Aggregation
from tests.services.limited import limit, race
from tests.services.shop import Shop


@pytest.mark.parametrize("aggregation", [Aggregation.SUM, Aggregation.COUNT])
def test_fifty_clients_at_once_never_pass_the_limit(shop: Shop, aggregation: Aggregation) -> None:
    limited = limit(shop, aggregation)
    # Their hours differ, so that no roll-up makes them wait for each other.
    rows = [
        limited.report(1, timestamp=f"2026-03-01T{place % 24:02}:{place % 60:02}:00Z")
        for place in range(250)
    ]

    answers = asyncio.run(race(limited, rows, clients=50))

    assert (answers.count("created"), answers.count("limit_exceeded")) == (100, 150)
    assert limited.recorded() == [1] * 100
    assert sorted(limited.told()) == [(80, 80), (100, 100)]


def test_unique_values_at_once_never_pass_the_limit(shop: Shop) -> None:
    limited = limit(shop, Aggregation.UNIQUE_COUNT, usage_limit=Decimal(10))
    rows = [limited.report(1, metadata={"user": f"user {place % 20}"}) for place in range(100)]

    answers = asyncio.run(race(limited, rows, clients=20))

    assert (answers.count("created"), answers.count("limit_exceeded")) == (50, 50)
    assert sorted(limited.told()) == [(80, 8), (100, 10)]


def test_thresholds_at_once_are_told_once_and_never_missed(shop: Shop) -> None:
    limited = limit(shop, reject_over_limit=False)
    rows = [
        limited.report(1, timestamp=f"2026-03-01T{place % 24:02}:00:00Z") for place in range(100)
    ]

    asyncio.run(race(limited, rows, clients=20))

    assert sorted(limited.told()) == [(80, 80), (100, 100)]
