"""No instant is billed twice: what subscriptions of a customer claim of a meter (CONTRACT 86)."""

from __future__ import annotations

import pytest

from billing.errors import Conflict
from services.lifecycle import changes
from services.subscriptions import clocks, rolling
from tests.services.catalog.meter_claims.harbor import (
    FEBRUARY,
    JANUARY,
    MARCH,
    TENTH,
    Harbor,
    refusal,
    sell,
)
from tests.services.catalog.meter_claims.test_edits import deactivate


def test_meter_of_a_canceled_subscription_is_free_from_its_end(harbor: Harbor) -> None:
    meter = harbor.shop.add_meter()
    plan = sell(harbor.shop, "payg", meter.id)
    first = harbor.subscribe(plan)
    harbor.shop.do(clocks.advance_clock, harbor.clock_id, TENTH)
    harbor.shop.read(clocks.record_progress, first.id, TENTH)
    harbor.cancel(first)

    with pytest.raises(Conflict) as caught:
        harbor.subscribe(plan)
    second = harbor.subscribe(plan, TENTH)

    assert refusal(caught) == ("meter_already_billed", str(first.id), "2025-01-10T00:00:00Z")
    assert caught.value.field == "plan_id"
    assert harbor.claims(meter.id) == [(first.id, JANUARY, TENTH), (second.id, TENTH, None)]


def test_meter_of_a_live_subscription_is_never_free(harbor: Harbor) -> None:
    meter = harbor.shop.add_meter()
    plan = sell(harbor.shop, "payg", meter.id)
    first = harbor.subscribe(plan)

    with pytest.raises(Conflict) as caught:
        harbor.subscribe(plan, MARCH)

    assert refusal(caught) == ("meter_already_billed", str(first.id), None)


def test_deleted_subscription_was_billed_as_well(harbor: Harbor) -> None:
    meter = harbor.shop.add_meter()
    plan = sell(harbor.shop, "payg", meter.id)
    first = harbor.subscribe(plan)
    harbor.send_clock(TENTH)
    harbor.call(changes.delete_subscription, first)

    with pytest.raises(Conflict) as caught:
        harbor.subscribe(plan)

    assert refusal(caught) == ("meter_already_billed", str(first.id), "2025-01-10T00:00:00Z")


def test_subscription_canceled_before_it_began_claims_nothing(harbor: Harbor) -> None:
    meter = harbor.shop.add_meter()
    plan = sell(harbor.shop, "payg", meter.id)
    first = harbor.subscribe(plan, FEBRUARY)
    harbor.cancel(first)

    second = harbor.subscribe(plan)

    assert harbor.claims(meter.id) == [(second.id, JANUARY, None)]


def test_planned_end_frees_the_meter_and_reactivation_takes_it_back(harbor: Harbor) -> None:
    meter = harbor.shop.add_meter()
    plan = sell(harbor.shop, "payg", meter.id)
    first = harbor.subscribe(plan)
    harbor.cancel(first, at_period_end=True)
    harbor.call(changes.reactivate_subscription, first)
    assert harbor.claims(meter.id) == [(first.id, JANUARY, None)]
    harbor.cancel(first, at_period_end=True)

    with pytest.raises(Conflict):
        harbor.subscribe(plan, TENTH)
    second = harbor.subscribe(plan, FEBRUARY)
    with pytest.raises(Conflict) as caught:
        harbor.call(changes.reactivate_subscription, first)

    assert refusal(caught) == ("meter_already_billed", str(second.id), None)
    assert harbor.claims(meter.id) == [(first.id, JANUARY, FEBRUARY), (second.id, FEBRUARY, None)]


def test_trial_counts_as_claimed(harbor: Harbor) -> None:
    meter = harbor.shop.add_meter()
    plan = sell(harbor.shop, "payg", meter.id)
    first = harbor.subscribe(plan, has_own_trial=True, trial_end_date=TENTH)
    harbor.cancel(first, at_period_end=True)

    with pytest.raises(Conflict) as caught:
        harbor.subscribe(plan)

    assert refusal(caught) == ("meter_already_billed", str(first.id), "2025-01-10T00:00:00Z")


def test_change_at_the_boundary_claims_the_next_plans_meters_from_there(harbor: Harbor) -> None:
    calls, minutes = harbor.shop.add_meter("calls"), harbor.shop.add_meter("minutes")
    plan, other = sell(harbor.shop, "a", calls.id), sell(harbor.shop, "b", minutes.id)
    subscription = harbor.subscribe(plan)

    harbor.change(subscription, other, at_period_end=True)

    assert harbor.claims(calls.id) == [(subscription.id, JANUARY, FEBRUARY)]
    assert harbor.claims(minutes.id) == [(subscription.id, FEBRUARY, None)]
    harbor.change(subscription, plan, at_period_end=True)
    assert harbor.claims(calls.id) == [(subscription.id, JANUARY, None)]
    assert harbor.claims(minutes.id) == []


def test_change_at_once_claims_the_plans_meters_from_now(harbor: Harbor) -> None:
    calls, minutes, both = (harbor.shop.add_meter(name) for name in ("calls", "minutes", "both"))
    plan = sell(harbor.shop, "a", calls.id, both.id)
    other = sell(harbor.shop, "b", minutes.id, both.id)
    subscription = harbor.subscribe(plan)
    harbor.send_clock(TENTH)

    harbor.change(subscription, other, at_period_end=False)

    assert harbor.claims(calls.id) == [(subscription.id, JANUARY, TENTH)]
    assert harbor.claims(minutes.id) == [(subscription.id, TENTH, None)]
    assert harbor.claims(both.id) == [(subscription.id, JANUARY, None)]


@pytest.mark.parametrize("at_period_end", [False, True])
def test_change_into_an_overlap_is_refused(harbor: Harbor, *, at_period_end: bool) -> None:
    calls, minutes = harbor.shop.add_meter("calls"), harbor.shop.add_meter("minutes")
    plan, other = sell(harbor.shop, "a", calls.id), sell(harbor.shop, "b", minutes.id)
    mine, rival = harbor.subscribe(plan), harbor.subscribe(other, MARCH)

    with pytest.raises(Conflict) as caught:
        harbor.change(mine, other, at_period_end=at_period_end)

    assert refusal(caught) == ("meter_already_billed", str(rival.id), None)
    assert harbor.claims(calls.id) == [(mine.id, JANUARY, None)]


def test_pinned_subscription_claims_what_its_version_charges(harbor: Harbor) -> None:
    calls, minutes = harbor.shop.add_meter("calls"), harbor.shop.add_meter("minutes")
    plan = harbor.shop.add_plan()
    charge = harbor.shop.add_usage_charge(plan, calls.id)
    subscription = harbor.subscribe(plan, version_policy="pinned")

    deactivate(harbor.shop, plan, charge)
    harbor.shop.add_usage_charge(plan, minutes.id)

    assert harbor.claims(calls.id) == [(subscription.id, JANUARY, None)]
    assert harbor.claims(minutes.id) == []
    harbor.shop.migrate(plan.id)
    assert harbor.claims(calls.id) == []
    assert harbor.claims(minutes.id) == [(subscription.id, JANUARY, None)]


def test_subscription_of_a_deleted_clock_claims_up_to_the_clocks_stand(harbor: Harbor) -> None:
    meter = harbor.shop.add_meter()
    subscription = harbor.subscribe(sell(harbor.shop, "payg", meter.id))
    harbor.send_clock(TENTH)

    harbor.shop.do(clocks.delete_clock, harbor.clock_id)

    assert harbor.claims(meter.id) == [(subscription.id, JANUARY, TENTH)]


def test_end_that_was_planned_comes_and_the_claim_stays(harbor: Harbor) -> None:
    meter = harbor.shop.add_meter()
    subscription = harbor.subscribe(sell(harbor.shop, "payg", meter.id))
    harbor.cancel(subscription, at_period_end=True)
    harbor.shop.do(clocks.advance_clock, harbor.clock_id, MARCH)

    harbor.call(rolling.roll_period, subscription, 0, due_at=FEBRUARY)

    assert harbor.claims(meter.id) == [(subscription.id, JANUARY, FEBRUARY)]


def test_meter_of_the_plan_that_follows_stays_claimed(harbor: Harbor) -> None:
    meter, plan = harbor.shop.add_meter(), harbor.shop.add_plan("a")
    charge = harbor.shop.add_usage_charge(plan, meter.id)
    subscription = harbor.subscribe(plan)
    harbor.change(subscription, sell(harbor.shop, "b", meter.id), at_period_end=True)

    deactivate(harbor.shop, plan, charge)

    assert harbor.claims(meter.id) == [(subscription.id, FEBRUARY, None)]
