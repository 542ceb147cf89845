"""Edits of plans spare periods that have begun (CONTRACT 95)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from billing.errors import Conflict
from billing.rating.terms import Effective
from repositories.catalog import plans
from repositories.invoicing import invoices
from repositories.subscriptions import subscriptions
from services.accounts.settings import ChangeSettings, change_settings
from services.catalog import charges, features, meters, versions
from services.lifecycle import bill_now, plan_changes
from services.subscriptions.period_versions import version_in_force
from services.subscriptions.start import CreateSubscription, create_subscription
from tests.services.limited import add_customer
from tests.services.lives import START, Life, begin_life
from tests.services.plan_fees import add_fee
from tests.services.shop import NOW, Shop


def version_of(session: Any, organization_id: UUID, life: Life) -> int:
    found = subscriptions.find_subscription(session, organization_id, life.subscription_id)
    assert found is not None
    return version_in_force(session, found)


TENTH, FEBRUARY, MARCH = (
    datetime(2025, month, day, tzinfo=UTC) for month, day in ((1, 10), (2, 1), (3, 1))
)
RUNNING = Effective.RUNNING_PERIOD


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
