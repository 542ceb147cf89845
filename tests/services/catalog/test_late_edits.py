"""Periods that open late or in the past: which version of their plan bills them (CONTRACT 95)."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from billing.periods import Interval
from billing.rating.terms import Effective
from tests.services.plan_fees import WallLife, add_fee
from tests.services.shop import NOW, Shop

RUNNING = Effective.RUNNING_PERIOD


def test_backdated_subscription_opens_its_missed_periods_with_todays_version(shop: Shop) -> None:
    plan = shop.add_plan("daily", billing_interval=Interval.DAY)
    for amount in ("1", "2"):
        add_fee(shop, plan.id, amount)
    life = WallLife(shop, plan, starts_at=NOW - timedelta(days=5))

    life.catch_up(NOW)

    assert life.versions() == [3] * 6


def test_period_opened_late_spares_itself_the_edits_since_it_began(shop: Shop) -> None:
    plan = shop.add_plan("daily", billing_interval=Interval.DAY)
    life = WallLife(shop, plan, starts_at=NOW)
    late = NOW + timedelta(days=1, hours=6)

    add_fee(shop, plan.id, "99", now=late)
    life.catch_up(late)
    life.catch_up(NOW + timedelta(days=2))

    assert life.versions() == [1, 1, 2]


def test_edit_of_running_periods_reaches_one_that_is_opened_late(shop: Shop) -> None:
    plan = shop.add_plan("daily", billing_interval=Interval.DAY)
    life = WallLife(shop, plan, starts_at=NOW)
    late = NOW + timedelta(days=1, hours=6)

    add_fee(shop, plan.id, "99", now=late, effective=RUNNING)
    life.catch_up(late)

    assert life.versions() == [1, 2]


@pytest.mark.parametrize("seed", range(6))
def test_year_of_edits_bills_each_period_by_what_was_newest_when_it_began(
    shop: Shop, seed: int
) -> None:
    chance = random.Random(seed)
    plan = shop.add_plan()
    life = WallLife(shop, plan, starts_at=NOW)
    begins = [
        datetime(2026 + month // 12, month % 12 + 1, 2, 8, tzinfo=UTC) for month in range(2, 14)
    ]
    days = sorted(chance.sample(range(1, 330), 25))
    edits = [(NOW + timedelta(days=day, hours=chance.random() * 20)) for day in days]
    awake = [one for one in begins[1:] if chance.random() < 0.6] + [begins[-1]]

    for at, is_edit in sorted([(at, True) for at in edits] + [(at, False) for at in awake]):
        if is_edit:
            add_fee(shop, plan.id, "1", now=at)
        else:
            life.catch_up(at)

    assert life.versions() == [1 + sum(at <= one for at in edits) for one in begins]
