"""The rules of a zone change: what is stored stays, and what comes next follows without a gap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from billing.rating.proration import Share
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from services.rating.steps import BillKey, load_frozen
from tests.services.lives import Life, begin_life
from tests.services.shop import Shop

FEBRUARY = datetime(2025, 2, 1, tzinfo=UTC)
MARCH = datetime(2025, 3, 1, tzinfo=UTC)
APRIL = datetime(2025, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def end_first_period_as_former_rules_did(life: Life, ends_at: datetime) -> None:
    """The running period was opened when the zone stood an hour elsewhere."""
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        subscription = session.get(Subscription, (shop.organization_id, life.subscription_id))
        period = session.get(SubscriptionPeriod, (shop.organization_id, life.subscription_id, 0))
        assert subscription is not None
        assert period is not None
        period.ends_at = period.regular_ends_at = subscription.current_period_end = ends_at
        session.add_all([period, subscription])


def share_of_bill(life: Life, index: int) -> Share:
    """What fixed charges owe for a period that is billed."""
    shop = life.shop
    bill = BillKey.of(life.period(index))
    with shop.transactions.for_organization(shop.organization_id) as session:
        return load_frozen(session, bill)[0].share


@pytest.mark.parametrize("moved", [HOUR, -HOUR], ids=["later", "earlier"])
def test_periods_touch_and_stay_whole_where_the_rules_of_their_zone_change(
    shop: Shop, moved: timedelta
) -> None:
    life = begin_life(shop)
    end_first_period_as_former_rules_did(life, FEBRUARY + moved)

    life.send_clock(MARCH + 2 * HOUR)
    life.catch_up()

    bounds = [(life.period(index).starts_at, life.period(index).ends_at) for index in range(3)]
    assert bounds[0][1] == FEBRUARY + moved
    assert bounds[1:] == [(FEBRUARY + moved, MARCH), (MARCH, APRIL)]
    for index in (0, 1):
        share = share_of_bill(life, index)
        assert share.covered == share.total


def test_old_row_without_regular_bounds_is_measured_by_todays_rules(shop: Shop) -> None:
    life = begin_life(shop)
    with shop.transactions.for_organization(shop.organization_id) as session:
        period = session.get(SubscriptionPeriod, (shop.organization_id, life.subscription_id, 0))
        assert period is not None
        period.regular_starts_at = period.regular_ends_at = None
        session.add(period)

    life.send_clock(FEBRUARY + 2 * HOUR)
    life.catch_up()

    share = share_of_bill(life, 0)
    assert share.covered == share.total
