"""Limits on arriving usage: events refused at a hard limit, thresholds told once (CONTRACT 11)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import select

from billing.metering.aggregations import Aggregation
from billing.periods import Interval
from models.entitlements import EntitlementThreshold
from repositories.catalog import plans
from services.lifecycle import changes
from tests.services.limited import START, limit, subscribe, word
from tests.services.shop import NOW, Shop


def test_event_that_would_pass_a_hard_limit_is_refused(shop: Shop) -> None:
    limited = limit(shop)

    assert limited.use(60) == ["created"]
    assert limited.use(41) == ["limit_exceeded"]
    assert limited.use(40) == ["created"]
    assert limited.use("0.0000000001") == ["limit_exceeded"]
    assert limited.recorded() == [60, 40]


def test_rows_of_a_batch_are_refused_one_by_one_in_order(shop: Shop) -> None:
    limited = limit(shop)

    answers = limited.use(70, 40, 20, 11, 10, 1)

    assert answers == [
        "created",
        "limit_exceeded",
        "created",
        "limit_exceeded",
        "created",
        "limit_exceeded",
    ]
    assert limited.recorded() == [70, 20, 10]


def test_atomic_batch_over_the_limit_stores_nothing(shop: Shop) -> None:
    limited = limit(shop)

    results = limited.send([limited.report(60), limited.report(60)], is_atomic=True)

    assert [word(one) for one in results] == ["created", "limit_exceeded"]
    assert limited.recorded() == []
    assert limited.messages() == []
    assert limited.use(100) == ["created"]


def test_repeat_of_a_recorded_event_is_a_duplicate_also_at_the_limit(shop: Shop) -> None:
    limited = limit(shop)
    limited.use(100, idempotency_key="a")

    assert limited.use(100, idempotency_key="a") == ["duplicate"]
    assert limited.use(99, idempotency_key="a") == ["idempotency_key_reused"]
    assert limited.use(1, idempotency_key="b") == ["limit_exceeded"]


def test_repeats_within_a_batch_count_once(shop: Shop) -> None:
    limited = limit(shop)
    same = limited.report(60, idempotency_key="a")

    results = limited.send([same, same, limited.report(40), limited.report(1)])

    assert [word(one) for one in results] == ["created", "duplicate", "created", "limit_exceeded"]


@pytest.mark.parametrize(
    ("grant", "pieces"),
    [
        ({"reject_over_limit": False}, 2),
        ({"is_soft_limit": True}, 2),
        ({"usage_limit": None}, 2),
        ({"is_enabled": False}, 2),
        ({}, 1),
    ],
    ids=["recorded by default", "soft", "unlimited", "disabled", "refused"],
)
def test_only_a_hard_limit_that_asks_for_it_refuses(
    shop: Shop, grant: dict[str, Any], pieces: int
) -> None:
    limited = limit(shop, **grant)

    limited.use(80)
    limited.use(80)

    assert limited.recorded() == [80] * pieces


def test_window_of_the_events_own_time_counts(shop: Shop) -> None:
    limited = limit(shop, usage_reset_period=Interval.DAY)

    assert limited.use(100, timestamp="2026-03-01T23:59:59Z") == ["created"]
    assert limited.use(100, timestamp="2026-03-02T00:00:00Z") == ["created"]
    assert limited.use(1, timestamp="2026-03-01T00:00:00Z") == ["limit_exceeded"]
    assert limited.use(1, timestamp="2026-02-28T23:59:59Z") == ["created"]


def test_what_does_not_count_is_never_refused(shop: Shop) -> None:
    limited = limit(shop)
    assert limited.feature.meter_id is not None
    shop.add_usage_charge(limited.plan, limited.feature.meter_id)
    limited.use(100)

    with shop.transactions.for_organization(shop.organization_id) as session:
        changes.pause_subscription(
            session,
            shop.organization_id,
            limited.subscription.id,
            now=NOW - timedelta(hours=1),
        )

    assert limited.use(1, timestamp="2026-03-02T07:30:00Z") == ["created"]
    assert limited.use(1, timestamp="2026-03-02T06:30:00Z") == ["limit_exceeded"]


def test_pinned_version_limits_as_it_was_sold(shop: Shop) -> None:
    limited = limit(shop, pinned=True)
    another = shop.add_plan("another")
    shop.grant(another, limited.feature)
    granted = shop.terms_of(limited.plan).features[0]
    assert granted.usage_limit == 100

    with shop.transactions.for_organization(shop.organization_id) as session:
        (row,) = plans.list_plan_features(session, shop.organization_id, limited.plan.id)
        plans.delete_plan_feature(session, row)

    assert limited.use(101) == ["limit_exceeded"]


def test_most_generous_of_several_subscriptions_limits(shop: Shop) -> None:
    limited = limit(shop)
    larger = shop.add_plan("larger")
    shop.grant(larger, limited.feature, usage_limit=Decimal(500), reject_over_limit=True)
    subscribe(shop, limited.customer, larger)

    assert limited.use(500, 1) == ["created", "limit_exceeded"]


def test_of_equal_limits_the_one_that_does_not_refuse_limits(shop: Shop) -> None:
    refusing = limit(shop)
    soft = shop.add_plan("soft")
    shop.grant(soft, refusing.feature, usage_limit=Decimal(100), is_soft_limit=True)
    subscribe(shop, refusing.customer, soft)

    assert refusing.use(100, 1) == ["created", "created"], "the check grants access, so it counts"
    assert sorted(refusing.told()) == [(80, 101), (100, 101)], "of one window, the soft one's"


@pytest.mark.parametrize(
    ("aggregation", "quantities", "refused"),
    [
        (Aggregation.MAX, (60, 101, 100), [1]),
        (Aggregation.LAST, (60, 101, 100), [1]),
        (Aggregation.COUNT, (5,) * 102, [100, 101]),
        (Aggregation.AVG, (90, 120, 100), [1]),
        (Aggregation.MIN, (101, 90, 120), [0]),
    ],
    ids=lambda value: value.value if isinstance(value, Aggregation) else "",
)
def test_every_aggregation_is_held_to_its_limit(
    shop: Shop, aggregation: Aggregation, quantities: tuple[int, ...], refused: list[int]
) -> None:
    limited = limit(shop, aggregation)

    answers = limited.use(*quantities)

    assert [place for place, one in enumerate(answers) if one == "limit_exceeded"] == refused
    assert len(limited.recorded()) == len(quantities) - len(refused)


def test_unique_values_are_held_to_the_limit(shop: Shop) -> None:
    limited = limit(shop, Aggregation.UNIQUE_COUNT, usage_limit=Decimal(2))

    results = limited.send(
        [limited.report(1, metadata={"user": user}) for user in ("ann", "bob", "cy", "ann", "bob")]
    )

    assert [word(one) for one in results] == [
        "created",
        "created",
        "limit_exceeded",
        "created",
        "created",
    ]


def test_thresholds_are_told_once_with_what_was_reached(shop: Shop) -> None:
    limited = limit(shop, reject_over_limit=False)

    for quantity in ("79.5", "0.5", 5, 15, 50):
        limited.use(quantity)

    eighty, hundred = limited.messages()
    assert eighty == {
        "event": "entitlement.threshold",
        "data": {
            "customer_id": str(limited.customer.id),
            "customer_external_id": limited.customer.external_id,
            "subscription_id": str(limited.subscription.id),
            "lookup_key": "calls",
            "threshold": 80,
            "usage": 80,
            "limit": 100,
            "resets_at": "2026-04-01T00:00:00Z",
        },
    }
    assert (hundred["data"]["threshold"], hundred["data"]["usage"]) == (100, 100)
    with shop.transactions.for_organization(shop.organization_id) as session:
        rows = session.exec(select(EntitlementThreshold)).all()
    assert [(row.threshold, row.starts_at) for row in rows] == [(80, START), (100, START)]


def test_one_event_can_reach_both_thresholds(shop: Shop) -> None:
    limited = limit(shop, reject_over_limit=False)

    limited.use(250, 250)

    assert sorted(limited.told()) == [(80, 500), (100, 500)]


def test_thresholds_are_told_anew_in_the_next_window(shop: Shop) -> None:
    limited = limit(shop, usage_reset_period=Interval.DAY)

    limited.use(90, timestamp="2026-03-01T12:00:00Z")
    limited.use(85, timestamp="2026-03-02T00:00:00Z")

    assert limited.told() == [(80, 90), (80, 85)]


def test_refused_events_reach_no_threshold(shop: Shop) -> None:
    limited = limit(shop)

    limited.use(70, 40)

    assert limited.told() == []


def test_threshold_of_a_maximum_is_told(shop: Shop) -> None:
    limited = limit(shop, Aggregation.MAX, is_soft_limit=True)

    limited.use(10, 95, 20)
    limited.use(96)

    assert limited.told() == [(80, 95)]


def test_of_equal_limits_usage_needs_room_in_one(shop: Shop) -> None:
    """A hundred a month and a hundred a day: the next day has room again, as a check says too."""
    monthly = limit(shop)
    daily = shop.add_plan("daily")
    shop.grant(
        daily,
        monthly.feature,
        usage_limit=Decimal(100),
        reject_over_limit=True,
        usage_reset_period=Interval.DAY,
    )
    subscribe(shop, monthly.customer, daily)

    answers = [monthly.use(100, 1, timestamp=f"2026-03-0{day}T07:00:00Z") for day in (1, 2)]

    assert answers == [["created", "limit_exceeded"]] * 2
    assert sorted(monthly.told()) == [(80, 100)] * 2 + [(100, 100)] * 2, "the month, then the day"
