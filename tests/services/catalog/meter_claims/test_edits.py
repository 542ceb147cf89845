"""What edits of plans do to the claims of their subscriptions (CONTRACT 86)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from billing.errors import Conflict
from billing.rating.terms import ChargeType, Effective
from models.catalog.plans import Charge, Plan
from repositories.catalog import meter_claims
from services.catalog import charges
from services.catalog.charges import AddCharge
from services.subscriptions import rolling
from services.subscriptions import start as subscriptions
from services.subscriptions.start import CreateSubscription
from tests.services.catalog.meter_claims.harbor import (
    FEBRUARY,
    JANUARY,
    TENTH,
    Harbor,
    refusal,
    sell,
)
from tests.services.limited import add_customer
from tests.services.shop import Shop


def test_new_charge_is_claimed_by_every_live_subscription_of_the_plan(harbor: Harbor) -> None:
    calls, minutes = harbor.shop.add_meter("calls"), harbor.shop.add_meter("minutes")
    plan, next_plan = sell(harbor.shop, "a", calls.id), sell(harbor.shop, "b")
    subscription = harbor.subscribe(plan)
    harbor.change(subscription, next_plan, at_period_end=True)

    harbor.shop.add_usage_charge(next_plan, minutes.id)
    harbor.shop.add_usage_charge(next_plan, calls.id)

    assert harbor.claims(minutes.id) == [(subscription.id, FEBRUARY, None)]
    assert harbor.claims(calls.id) == [(subscription.id, JANUARY, None)]


def test_new_charge_into_an_overlap_is_refused_and_leaves_nothing(harbor: Harbor) -> None:
    calls = harbor.shop.add_meter("calls")
    plan, other = sell(harbor.shop, "a", calls.id), sell(harbor.shop, "b")
    first = harbor.subscribe(plan)
    harbor.subscribe(other)
    harbor.cancel(first, at_period_end=True)

    with pytest.raises(Conflict) as caught:
        harbor.shop.add_usage_charge(other, calls.id)

    assert refusal(caught) == ("meter_already_billed", str(first.id), "2025-02-01T00:00:00Z")
    assert caught.value.field == "meter_id"
    assert harbor.shop.version_of(other) == 1
    harbor.shop.add_usage_charge(plan, calls.id)


def test_plan_subscribed_twice_by_a_customer_takes_no_usage_charge(harbor: Harbor) -> None:
    meter, plan = harbor.shop.add_meter(), harbor.shop.add_plan()
    harbor.subscribe(plan)
    harbor.subscribe(plan)

    with pytest.raises(Conflict):
        harbor.shop.add_usage_charge(plan, meter.id)


def test_deactivated_charge_is_claimed_to_the_end_of_the_running_period(harbor: Harbor) -> None:
    calls, minutes = harbor.shop.add_meter("calls"), harbor.shop.add_meter("minutes")
    plan = harbor.shop.add_plan()
    charge = harbor.shop.add_usage_charge(plan, calls.id)
    twice = [harbor.shop.add_usage_charge(plan, minutes.id) for _ in range(2)]
    subscription = harbor.subscribe(plan)
    harbor.send_clock(TENTH)

    deactivate(harbor.shop, plan, charge, twice[0])

    assert harbor.claims(calls.id) == [(subscription.id, JANUARY, FEBRUARY)]
    assert harbor.claims(minutes.id) == [(subscription.id, JANUARY, None)]
    harbor.shop.add_usage_charge(plan, calls.id)
    assert harbor.claims(calls.id) == [(subscription.id, JANUARY, None)]


def test_edit_for_running_periods_brings_deferred_charges_along(harbor: Harbor) -> None:
    calls, minutes = harbor.shop.add_meter("calls"), harbor.shop.add_meter("minutes")
    plan, other = sell(harbor.shop, "a"), sell(harbor.shop, "b", calls.id)
    subscription = harbor.subscribe(plan)
    harbor.send_clock(TENTH)
    harbor.shop.add_usage_charge(plan, calls.id)
    assert harbor.claims(calls.id) == [(subscription.id, FEBRUARY, None)]

    add_for_running(harbor.shop, plan, minutes.id)

    assert harbor.claims(calls.id) == [(subscription.id, JANUARY, None)]
    assert harbor.claims(minutes.id) == [(subscription.id, JANUARY, None)]
    with pytest.raises(Conflict):
        harbor.subscribe(other)


def test_part_that_keeps_its_version_keeps_its_claims(harbor: Harbor) -> None:
    meter, plan = harbor.shop.add_meter(), harbor.shop.add_plan("a")
    charge = harbor.shop.add_usage_charge(plan, meter.id)
    subscription = harbor.subscribe(plan)
    harbor.change(subscription, sell(harbor.shop, "b"), at_period_end=True)
    harbor.send_clock(TENTH)
    deactivate(harbor.shop, plan, charge)

    harbor.change(subscription, plan, at_period_end=False)

    assert harbor.claims(meter.id) == [(subscription.id, JANUARY, FEBRUARY)]


def add_for_running(shop: Shop, plan: Plan, meter_id: UUID) -> None:
    command = AddCharge(type=ChargeType.USAGE, meter_id=meter_id, unit_price=Decimal(1))
    with shop.transactions.for_organization(shop.organization_id) as session:
        charges.add_charge(
            session,
            shop.organization_id,
            plan.id,
            command,
            effective=Effective.RUNNING_PERIOD,
            now=JANUARY,
        )


def deactivate(shop: Shop, plan: Plan, *added: Charge) -> None:
    for charge in added:
        shop.do(charges.set_charge_status, plan.id, charge.id, "INACTIVE")


def test_workflow_that_lags_claims_what_the_periods_it_missed_still_charge(shop: Shop) -> None:
    third, april, tenth, eleventh, may = (
        datetime(2026, month, day, tzinfo=UTC)
        for month, day in ((3, 3), (4, 3), (4, 10), (4, 11), (5, 3))
    )
    plan, meter = shop.add_plan(), shop.add_meter("calls")
    charge = shop.add_usage_charge(plan, meter.id)
    customer = add_customer(shop)
    command = CreateSubscription(customer_id=customer.id, plan_id=plan.id, start_date=third)
    subscription = shop.do(subscriptions.create_subscription, command, now=third)

    def claimed() -> list[tuple[datetime, datetime | None]]:
        found = shop.read(meter_claims.list_claims, customer.id)
        return [(one.starts_at, one.ends_at) for one in found]

    shop.do(charges.set_charge_status, plan.id, charge.id, "INACTIVE", now=tenth)
    assert claimed() == [(third, None)]
    with shop.transactions.for_organization(shop.organization_id) as session:
        rolling.roll_period(
            session, shop.organization_id, subscription.id, 0, due_at=april, now=eleventh
        )

    assert claimed() == [(third, may)]
