"""Whoever is at work on many missed periods is no finding; whoever has stopped is one soon."""

from __future__ import annotations

from datetime import datetime, timedelta

from models.subscriptions.subscriptions import Subscription
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.lifecycle import catching_up
from services.operations import coverage
from services.operations.findings import FindingKind
from services.subscriptions.start import CreateSubscription, create_subscription
from tests.services.lives import Life, begin_life
from tests.services.operations.test_coverage import (
    FEBRUARY,
    check,
    deliver_messages,
    leave_the_clock,
)
from tests.services.shop import NOW, Shop


def advance_a_little(life: Life, now: datetime) -> None:
    """Some of the missed periods are closed and billed by then."""
    shop = life.shop
    with shop.transactions.for_organization(shop.organization_id) as session:
        row = session.get(Subscription, (shop.organization_id, life.subscription_id))
        assert row is not None
        catching_up.advance_a_little(session, row, to=now, now=now)


def test_missed_periods_are_not_overdue_while_they_are_billed(shop: Shop) -> None:
    life = begin_life(shop)
    deliver_messages(life)
    leave_the_clock(life)
    missed = FEBRUARY + timedelta(days=400)
    assert {one.kind for one in check(life, None, missed).findings} == {FindingKind.OVERDUE_PERIOD}

    advance_a_little(life, missed)

    assert check(life, None, missed + timedelta(minutes=10, microseconds=-1)).findings == ()
    stuck = check(life, None, missed + timedelta(minutes=10)).findings
    assert {one.kind for one in stuck} == {FindingKind.OVERDUE_PERIOD}


def test_subscription_that_has_just_begun_far_in_the_past_is_not_overdue(shop: Shop) -> None:
    details = CustomerDetails(name="Harbor Labs", email="ap@harbor.test")
    customer = shop.do(create_customer, CreateCustomer(details=details))
    command = CreateSubscription(
        customer_id=customer.id, plan_id=shop.add_plan().id, start_date=NOW - timedelta(days=700)
    )
    subscription = shop.do(create_subscription, command)

    def kinds(now: datetime) -> set[FindingKind]:
        with shop.transactions.for_organization(shop.organization_id) as session:
            found = coverage.check_coverage(session, shop.organization_id, set(), now=now)
        return {one.kind for one in found.findings} - {FindingKind.OLD_MESSAGES}

    assert kinds(NOW + timedelta(minutes=9)) == set()
    assert kinds(NOW + timedelta(minutes=11)) == {FindingKind.OVERDUE_PERIOD}
    assert subscription.current_period_index == 0


def test_workflow_that_the_engine_lost_sight_of_is_not_missing_while_it_works(shop: Shop) -> None:
    life = begin_life(shop)
    deliver_messages(life)
    leave_the_clock(life)
    missed = FEBRUARY + timedelta(days=400)
    advance_a_little(life, missed)
    deliver_messages(life)

    assert check(life, set(), missed + timedelta(seconds=59)).findings == ()
    found = check(life, set(), missed + timedelta(minutes=1)).findings
    assert {one.kind for one in found} == {FindingKind.MISSING_WORKFLOW}
