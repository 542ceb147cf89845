"""Pinned subscriptions move to another version, one or many."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text

from billing.errors import Conflict
from billing.periods import Interval
from billing.rating.terms import VersionPolicy
from repositories.subscriptions import subscriptions
from services.catalog import charges
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.lifecycle import version_migration
from services.lifecycle.changes import cancel_subscription, delete_subscription
from services.subscriptions import clocks
from services.subscriptions.start import CreateSubscription, create_subscription
from tests.services.catalog.test_edits import FEBRUARY, MARCH, RUNNING, TENTH, begin, totals
from tests.services.limited import add_customer
from tests.services.lives import START, begin_life
from tests.services.plan_fees import add_fee, fee
from tests.services.shop import NOW, Shop

MANY_MORE = text("""
INSERT INTO subscription
SELECT (jsonb_populate_record(one, jsonb_build_object('id', gen_random_uuid()))).*
FROM subscription AS one CROSS JOIN generate_series(1, :count)
WHERE one.id = :subscription_id""")
THEIR_PERIODS = text("""
INSERT INTO subscription_period
SELECT (jsonb_populate_record(one, jsonb_build_object('subscription_id', copy.id))).*
FROM subscription_period AS one
JOIN subscription AS copy ON copy.id <> :subscription_id
WHERE one.subscription_id = :subscription_id""")
COUNT_MOVED = text("""
SELECT count(*) FROM subscription_period AS period
JOIN plan ON plan.id = period.plan_id AND plan.version = period.plan_version
WHERE plan.id = :plan_id AND period.status = 'open'""")


def test_pinned_subscription_is_not_met_until_it_is_migrated(shop: Shop) -> None:
    life = begin_life(shop, version_policy=VersionPolicy.PINNED)
    plan_id, pinned = life.row().plan_id, life.period(0).plan_version
    met = add_fee(shop, plan_id, "99", effective=RUNNING)
    life.send_clock(TENTH)
    life.catch_up()

    migration = shop.migrate(plan_id)
    life.send_clock(MARCH)
    life.catch_up()

    assert met.subscriptions == 0
    assert (migration.reach.effective_from, migration.reach.subscriptions) == (FEBRUARY, 1)
    assert [life.period(index).plan_version for index in range(2)] == [pinned, pinned + 1]
    assert totals(life) == [Decimal(0), Decimal(99)]


def test_migration_leaves_a_subscription_whose_missed_end_it_brings_about(shop: Shop) -> None:
    plan = shop.add_plan()
    command = CreateSubscription(
        customer_id=add_customer(shop).id,
        plan_id=plan.id,
        start_date=NOW,
        version_policy=VersionPolicy.PINNED,
    )
    subscription = shop.do(create_subscription, command)
    add_fee(shop, plan.id, "99")
    shop.do(cancel_subscription, subscription.id)

    late = NOW + timedelta(days=32)
    migration = shop.migrate(plan.id, now=late)

    stored = shop.read(subscriptions.find_subscription, subscription.id)
    assert stored is not None
    assert (stored.status, stored.plan_version) == ("CANCELED", subscription.plan_version)
    assert (migration.changes, migration.reach.subscriptions) == ((), 0)


def test_edit_reaches_two_thousand_periods_by_one_statement(shop: Shop) -> None:
    life, statements = begin(shop), []
    with shop.transactions.for_organization(shop.organization_id) as session:
        session.execute(MANY_MORE, {"subscription_id": life.subscription_id, "count": 2_000})
        session.execute(THEIR_PERIODS, {"subscription_id": life.subscription_id})

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    with shop.transactions.for_organization(shop.organization_id) as session:
        event.listen(session.connection(), "before_cursor_execute", note)
        plan_id, organization_id = life.row().plan_id, shop.organization_id
        reach = charges.add_charge(
            session, organization_id, plan_id, fee("99"), effective=RUNNING, now=NOW
        ).reach
        moved = session.execute(COUNT_MOVED, {"plan_id": plan_id}).scalar_one()

    assert (reach.subscriptions, reach.effective_from, moved) == (2_001, START, 2_001)
    assert len(statements) < 30


def test_many_move_in_short_transactions_and_one_that_cannot_holds_up_nobody(shop: Shop) -> None:
    plan = shop.add_plan()
    clock = shop.do(clocks.create_clock, "advancing", NOW)
    details = CustomerDetails(name="Harbor Labs", email="ap@harbor.test")
    made = []
    for number in range(23):
        on_clock = clock.id if number == 4 else None
        customer = shop.do(create_customer, CreateCustomer(details=details, test_clock_id=on_clock))
        command = CreateSubscription(
            customer_id=customer.id,
            plan_id=plan.id,
            start_date=NOW,
            version_policy=VersionPolicy.PINNED,
        )
        made.append(shop.do(create_subscription, command).id)
    add_fee(shop, plan.id, "99")
    listed = shop.read(version_migration.list_batches, plan.id)
    shop.do(delete_subscription, made[7])
    shop.do(clocks.advance_clock, clock.id, NOW + timedelta(days=1))

    batches = [shop.do(version_migration.migrate_batch, plan.id, ids) for ids in listed]

    assert [len(ids) for ids in listed] == [10, 10, 3]
    moved = {one.subscription_id for batch in batches for one in batch.changes}
    assert moved == {*made} - {made[4], made[7]}
    with pytest.raises(Conflict):
        shop.do(version_migration.describe_migration, plan.id, batches)
    assert shop.read(version_migration.list_batches, plan.id) == [[made[4]]]


def test_missed_periods_bound_a_transaction_and_a_request(shop: Shop) -> None:
    plan = shop.add_plan(billing_interval=Interval.DAY)
    made = [subscribe_pinned(shop, plan.id) for _ in range(4)]
    add_fee(shop, plan.id, "99")
    later = NOW + timedelta(days=12)

    batches = shop.migrate_batches(plan.id, now=later)

    assert [batch.closed for batch in batches] == [8, 8, 8, 8, 8, 0]
    assert [one.subscription_id for batch in batches for one in batch.changes] == made[:3]
    refusal = batches[-1].refusal
    assert refusal is not None
    assert (refusal.code, refusal.identifiers["subscription_id"]) == ("catching_up", str(made[3]))
    again = shop.migrate_batches(plan.id, now=later)
    assert [(batch.closed, len(batch.changes)) for batch in again] == [(8, 1)]


def subscribe_pinned(shop: Shop, plan_id: UUID) -> UUID:
    """A new customer's subscription that stays on the version it begins with."""
    command = CreateSubscription(
        customer_id=add_customer(shop).id,
        plan_id=plan_id,
        start_date=NOW,
        version_policy=VersionPolicy.PINNED,
    )
    return shop.do(create_subscription, command).id
