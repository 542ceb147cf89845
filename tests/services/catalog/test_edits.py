"""Edits of plans spare periods that have begun (CONTRACT 95)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text

from billing.errors import Conflict
from billing.rating.terms import Effective
from repositories.catalog import plans
from repositories.invoicing import invoices
from repositories.subscriptions import subscriptions
from services.accounts.settings import ChangeSettings, change_settings
from services.catalog import charges, features, meters, versions
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.lifecycle import bill_now, plan_changes, version_migration
from services.lifecycle.changes import cancel_subscription, delete_subscription
from services.subscriptions import clocks
from services.subscriptions.period_versions import version_in_force
from services.subscriptions.start import CreateSubscription, create_subscription
from tests.services.limited import add_customer
from tests.services.lives import START, Life, begin_life
from tests.services.plan_fees import add_fee, fee
from tests.services.shop import NOW, Shop

TENTH, FEBRUARY, MARCH = (
    datetime(2025, month, day, tzinfo=UTC) for month, day in ((1, 10), (2, 1), (3, 1))
)
RUNNING = Effective.RUNNING_PERIOD


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


def begin(shop: Shop, **options: Any) -> Life:
    """A customer on a clock, subscribed to a fee of 10 and a dollar a call."""
    life = begin_life(shop, **options)
    add_fee(shop, life.row().plan_id, "10", effective=RUNNING)
    return life


def totals(life: Life) -> list[Decimal]:
    """What the invoices of the periods come to, in order."""
    stored = life.do(subscriptions.list_periods)
    bills = [life.do(invoices.find_period_invoice, one.index) for one in stored]
    return [bill.total for bill in bills if bill is not None]


def test_charge_added_in_mid_period_spares_it_and_bills_the_next(shop: Shop) -> None:
    life = begin(shop)
    life.send_clock(TENTH)
    life.catch_up()

    reach = add_fee(shop, life.row().plan_id, "99")
    life.send_clock(MARCH)
    life.catch_up()

    assert (reach.effective_from, reach.subscriptions) == (FEBRUARY, 1)
    assert totals(life) == [Decimal(10), Decimal(109)]


def test_edit_of_the_running_period_bills_it_too(shop: Shop) -> None:
    life = begin(shop)
    life.send_clock(TENTH)
    life.catch_up()

    reach = add_fee(shop, life.row().plan_id, "99", effective=RUNNING)
    life.send_clock(MARCH)
    life.catch_up()

    assert (reach.effective_from, reach.subscriptions) == (START, 1)
    assert totals(life) == [Decimal(109), Decimal(109)]


def test_organization_says_what_an_edit_reaches_that_does_not(shop: Shop) -> None:
    life = begin(shop)
    shop.do(change_settings, ChangeSettings(values={"plan_edits": "running_period"}))
    life.send_clock(TENTH)
    life.catch_up()

    add_fee(shop, life.row().plan_id, "5")
    add_fee(shop, life.row().plan_id, "99", effective=Effective.NEXT_PERIOD)
    life.send_clock(MARCH)
    life.catch_up()

    assert totals(life) == [Decimal(15), Decimal(114)]


def test_plan_without_live_subscriptions_changes_at_once(shop: Shop) -> None:
    reach = add_fee(shop, shop.add_plan("unsold").id, "99")

    assert (reach.effective_from, reach.subscriptions) == (NOW, 0)


def test_deactivated_charge_is_billed_for_the_period_that_runs(shop: Shop) -> None:
    life = begin(shop)
    plan_id = life.row().plan_id
    (charged,) = [
        one for one in shop.read(plans.list_active_charges, plan_id) if one.type == "FIXED"
    ]
    life.send_clock(TENTH)
    life.catch_up()

    edited = shop.do(charges.set_charge_status, plan_id, charged.id, "INACTIVE")
    again = shop.do(charges.set_charge_status, plan_id, charged.id, "INACTIVE")
    life.send_clock(MARCH)
    life.catch_up()

    assert edited.reach.effective_from == FEBRUARY
    assert again.reach.subscriptions == 0
    assert totals(life) == [Decimal(10), Decimal(0)]


def test_part_that_follows_a_cut_keeps_the_version_of_its_period(shop: Shop) -> None:
    life = begin(shop)
    life.send_clock(TENTH)
    life.catch_up()
    former = life.period(0).plan_version
    add_fee(shop, life.row().plan_id, "99")

    life.do(bill_now.generate_invoices, now=NOW)
    life.send_clock(MARCH)
    life.catch_up()

    assert [life.period(index).plan_version for index in range(3)] == [former, former, former + 1]
    assert sum(totals(life)[:2]) == 10


def test_change_to_the_same_plan_is_no_new_period(shop: Shop) -> None:
    life = begin(shop)
    plan_id, other = life.row().plan_id, shop.add_plan("other")
    life.send_clock(TENTH)
    life.catch_up()
    former = life.period(0).plan_version
    add_fee(shop, plan_id, "99")

    life.do(plan_changes.change_plan, other.id, at_period_end=True, now=NOW)
    life.do(plan_changes.change_plan, plan_id, at_period_end=False, now=NOW)

    assert (life.period(1).plan_id, life.period(1).plan_version) == (plan_id, former)


def test_change_to_another_plan_opens_with_its_newest_version(shop: Shop) -> None:
    life, other = begin(shop), shop.add_plan("other")
    add_fee(shop, other.id, "20")
    life.send_clock(TENTH)
    life.catch_up()

    life.do(plan_changes.change_plan, other.id, at_period_end=False, now=NOW)

    assert (life.period(1).plan_id, life.period(1).plan_version) == (other.id, 2)


def test_planned_change_is_met_by_edits_of_the_plan_to_come_alone(shop: Shop) -> None:
    life, other = begin(shop), shop.add_plan("other")
    life.send_clock(TENTH)
    life.catch_up()
    life.do(plan_changes.change_plan, other.id, at_period_end=True, now=NOW)

    former = add_fee(shop, life.row().plan_id, "5")
    to_come = add_fee(shop, other.id, "20")
    life.send_clock(MARCH)
    life.catch_up()

    assert (former.subscriptions, to_come.subscriptions) == (0, 1)
    assert to_come.effective_from == FEBRUARY
    assert totals(life) == [Decimal(10), Decimal(20)]


def test_period_that_has_not_begun_takes_the_edit(shop: Shop) -> None:
    shop.do(change_settings, ChangeSettings(values={"plan_edits": "next_period"}))
    plan = shop.add_plan("later")
    starts_at = NOW + timedelta(days=3)
    command = CreateSubscription(
        customer_id=add_customer(shop).id, plan_id=plan.id, start_date=starts_at
    )
    subscription = shop.do(create_subscription, command)

    reach = add_fee(shop, plan.id, "99")
    stored = shop.read(subscriptions.find_period, subscription.id, 0)

    assert (reach.effective_from, reach.subscriptions) == (starts_at, 1)
    assert stored is not None
    assert stored.plan_version == 2


def test_trial_takes_edits_until_it_ends(shop: Shop) -> None:
    life = begin(shop, has_own_trial=True, trial_end_date=TENTH)

    reach = add_fee(shop, life.row().plan_id, "99")
    in_trial = shop.read(version_of, life)
    life.send_clock(datetime(2025, 2, 10, tzinfo=UTC))
    life.catch_up()

    assert reach.effective_from == TENTH
    assert in_trial == life.period(0).plan_version
    assert totals(life) == [Decimal(109)]


def version_of(session: Any, organization_id: UUID, life: Life) -> int:
    found = subscriptions.find_subscription(session, organization_id, life.subscription_id)
    assert found is not None
    return version_in_force(session, found)


def test_pinned_subscription_is_not_met_until_it_is_migrated(shop: Shop) -> None:
    life = begin_life(shop, version_policy="pinned")
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
        version_policy="pinned",
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


def test_parked_bill_keeps_the_version_of_its_period(shop: Shop) -> None:
    life = begin(shop)
    life.send_clock(FEBRUARY)
    life.act(life.state().agenda[0])
    former = life.period(0).plan_version

    add_fee(shop, life.row().plan_id, "99", effective=RUNNING)
    life.catch_up()

    assert life.period(0).plan_version == former
    assert totals(life) == [Decimal(10)]


def test_meter_stays_until_the_period_that_charges_it_is_billed(shop: Shop) -> None:
    life = begin(shop)
    life.send_clock(TENTH)
    life.catch_up()
    plan_id = life.row().plan_id
    (charged,) = [
        one for one in shop.read(plans.list_active_charges, plan_id) if one.type == "USAGE"
    ]
    (feature,), _ = shop.read(features.list_features, type=None, offset=0, limit=10)
    shop.do(charges.set_charge_status, plan_id, charged.id, "INACTIVE")

    shop.do(features.delete_feature, feature.feature.id)
    with pytest.raises(Conflict, match="not billed yet"):
        shop.do(meters.delete_meter, charged.meter_id)
    life.send_clock(MARCH)
    life.catch_up()
    shop.do(meters.delete_meter, charged.meter_id)


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


def test_version_in_force_is_what_the_period_will_be_billed_by(shop: Shop) -> None:
    life = begin(shop)
    plan_id = life.row().plan_id
    add_fee(shop, plan_id, "99")

    told = shop.read(version_of, life)
    terms = shop.read(versions.get_terms, plan_id, told)
    life.send_clock(FEBRUARY)
    life.catch_up()

    bill = life.do(invoices.find_period_invoice, 0)
    assert bill is not None
    assert (bill.plan_version, terms.version) == (told, told)


def test_many_move_in_short_transactions_and_one_that_cannot_holds_up_nobody(shop: Shop) -> None:
    plan = shop.add_plan()
    clock = shop.do(clocks.create_clock, "advancing", NOW)
    details = CustomerDetails(name="Harbor Labs", email="ap@harbor.test")
    made = []
    for number in range(23):
        on_clock = clock.id if number == 4 else None
        customer = shop.do(create_customer, CreateCustomer(details=details, test_clock_id=on_clock))
        command = CreateSubscription(
            customer_id=customer.id, plan_id=plan.id, start_date=NOW, version_policy="pinned"
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
