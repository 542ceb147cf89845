"""No instant is billed twice: what subscriptions of a customer claim of a meter (CONTRACT 86)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from billing.errors import Conflict
from billing.rating.terms import ChargeType, Effective
from models.catalog.plans import Charge, Plan
from models.subscriptions.subscriptions import Subscription
from repositories.catalog import meter_claims
from services import customers
from services.catalog import charges
from services.catalog.charges import AddCharge
from services.customers import CreateCustomer, CustomerDetails
from services.lifecycle import changes, plan_changes
from services.subscriptions import clocks, periods
from services.subscriptions import start as subscriptions
from services.subscriptions.start import CreateSubscription
from tests.services.limited import add_customer
from tests.services.shop import Shop

JANUARY, TENTH = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 10, tzinfo=UTC)
FEBRUARY, MARCH = datetime(2025, 2, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Harbor:
    """A customer on a test clock that stands on 1 January 2025."""

    shop: Shop
    customer_id: UUID
    clock_id: UUID

    def subscribe(self, plan: Plan, start: datetime = JANUARY, **options: Any) -> Subscription:
        command = CreateSubscription(
            customer_id=self.customer_id, plan_id=plan.id, start_date=start, **options
        )
        return self.shop.do(subscriptions.create_subscription, command)

    def cancel(self, subscription: Subscription, *, at_period_end: bool = False) -> None:
        self.call(changes.cancel_subscription, subscription, at_period_end=at_period_end)

    def change(self, subscription: Subscription, plan: Plan, *, at_period_end: bool) -> None:
        self.call(plan_changes.change_plan, subscription, plan.id, at_period_end=at_period_end)

    def call(self, service: Any, subscription: Subscription, *args: Any, **options: Any) -> None:
        shop = self.shop
        with shop.transactions.for_organization(shop.organization_id) as session:
            service(session, shop.organization_id, subscription.id, *args, now=JANUARY, **options)

    def send_clock(self, to: datetime) -> None:
        """The clock stands at ``to``, and every subscription on it has come along."""
        self.shop.do(clocks.advance_clock, self.clock_id, to)
        for subscription_id in {one.subscription_id for one in self._rows()}:
            self.shop.read(clocks.record_progress, subscription_id, to)

    def claims(self, meter_id: UUID) -> Sequence[tuple[UUID, datetime, datetime | None]]:
        """What is claimed of a meter, in order."""
        return [
            (one.subscription_id, one.starts_at, one.ends_at)
            for one in self._rows()
            if one.meter_id == meter_id
        ]

    def _rows(self) -> Sequence[Any]:
        return self.shop.read(meter_claims.list_claims, self.customer_id)


@pytest.fixture
def harbor(shop: Shop) -> Harbor:
    """A customer without a subscription."""
    clock = shop.do(clocks.create_clock, "harbor", JANUARY)
    details = CustomerDetails(name="Harbor Labs", email="ap@harbor.test")
    customer = shop.do(
        customers.create_customer, CreateCustomer(details=details, test_clock_id=clock.id)
    )
    return Harbor(shop=shop, customer_id=customer.id, clock_id=clock.id)


def sell(shop: Shop, lookup_id: str, *meter_ids: UUID) -> Plan:
    """A plan that charges these meters."""
    plan = shop.add_plan(lookup_id)
    for meter_id in meter_ids:
        shop.add_usage_charge(plan, meter_id)
    return plan


def refusal(caught: pytest.ExceptionInfo[Conflict]) -> tuple[str, str | None, str | None]:
    error = caught.value
    return error.code, error.identifiers["subscription_id"], error.identifiers["free_from"]


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

    harbor.call(periods.roll_period, subscription, 0, due_at=FEBRUARY)

    assert harbor.claims(meter.id) == [(subscription.id, JANUARY, FEBRUARY)]


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


def test_meter_of_the_plan_that_follows_stays_claimed(harbor: Harbor) -> None:
    meter, plan = harbor.shop.add_meter(), harbor.shop.add_plan("a")
    charge = harbor.shop.add_usage_charge(plan, meter.id)
    subscription = harbor.subscribe(plan)
    harbor.change(subscription, sell(harbor.shop, "b", meter.id), at_period_end=True)

    deactivate(harbor.shop, plan, charge)

    assert harbor.claims(meter.id) == [(subscription.id, FEBRUARY, None)]


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
        periods.roll_period(
            session, shop.organization_id, subscription.id, 0, due_at=april, now=eleventh
        )

    assert claimed() == [(third, may)]
