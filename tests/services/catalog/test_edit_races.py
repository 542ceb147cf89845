"""An edit of a plan that meets a period's roll: each period has one version, told the same way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from threading import Barrier
from typing import Any

import pytest

from activities.subscriptions import SubscriptionActivities
from billing.periods import Interval
from billing.rating.terms import Effective
from models.catalog.plans import Plan
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.asynchronous.connections import connect
from repositories.entitlements import subscribers
from repositories.invoicing import invoices
from repositories.subscriptions import subscriptions
from services.accounts.settings import ChangeSettings, change_settings
from services.catalog import charges
from services.catalog.edits import EditReach
from services.entitlements.windows import version_in_force
from services.lifecycle import bill_now, plan_changes
from services.subscriptions import agenda as agendas
from services.subscriptions.start import CreateSubscription, create_subscription
from tests.services.limited import add_customer
from tests.services.plan_fees import fee
from tests.services.shop import NOW, Shop
from tests.workflows.acting import perform_entry

TOMORROW = NOW + timedelta(days=1)
ROUNDS = 12


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Release the jobs at one instant; what each gave."""
    barrier = Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        barrier.wait(60)
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


class Stage:
    """A daily plan with one subscription on the wall's time."""

    def __init__(self, shop: Shop, number: int) -> None:
        self.shop = shop
        self.plan: Plan = shop.add_plan(f"daily_{number}", billing_interval=Interval.DAY)
        self.edit(NOW, None, "1")
        command = CreateSubscription(
            customer_id=add_customer(shop).id, plan_id=self.plan.id, start_date=NOW
        )
        self.subscription: Subscription = shop.do(create_subscription, command)

    def edit(self, at: datetime, effective: Effective | None, amount: str = "99") -> EditReach:
        """The plan charges one more fee."""
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            return charges.add_charge(
                session,
                self.shop.organization_id,
                self.plan.id,
                fee(amount),
                effective=effective,
                now=at,
            ).reach

    def catch_up(self, until: datetime) -> None:
        """The workflow does everything that is due by then."""
        activities = SubscriptionActivities(self.shop.transactions, lambda: until)
        names = str(self.shop.organization_id), str(self.subscription.id)
        while agenda := self.shop.read(agendas.get_state, self.subscription.id).agenda:
            if agenda[0].due_at > until:
                return
            perform_entry(activities, *names, agenda[0])

    def cut(self, at: datetime) -> None:
        """A bill is asked for now."""
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            bill_now.generate_invoices(
                session, self.shop.organization_id, self.subscription.id, now=at
            )

    def plan_change(self, plan: Plan) -> None:
        """The subscription is to be on another plan from the next period on."""
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            plan_changes.change_plan(
                session,
                self.shop.organization_id,
                self.subscription.id,
                plan.id,
                at_period_end=True,
                now=NOW,
            )

    def periods(self) -> list[SubscriptionPeriod]:
        return list(self.shop.read(subscriptions.list_periods, self.subscription.id))

    def told_by_entitlements(self, at: datetime) -> int:
        """The version by which features are granted at an instant."""

        async def ask() -> int:
            async with await connect(self.shop.transactions.address) as connection:
                found = await subscribers.find_subscriber(
                    connection, self.shop.organization_id, str(self.subscription.customer_id)
                )
            assert found is not None
            in_force = version_in_force(found.subscriptions[0], at)
            assert in_force is not None
            return in_force[1]

        return asyncio.run(ask())

    def total(self, index: int) -> Decimal:
        bill = self.shop.read(invoices.find_period_invoice, self.subscription.id, index)
        assert bill is not None
        return bill.total


@pytest.fixture
def quick(shop: Shop) -> Shop:
    """An organization that prorates by seconds."""
    shop.do(change_settings, ChangeSettings(values={"proration": "second"}))
    return shop


@pytest.mark.parametrize("moment", [timedelta(seconds=-1), timedelta(0), timedelta(seconds=1)])
@pytest.mark.parametrize("effective", list(Effective))
def test_edit_that_meets_a_roll_bills_the_period_that_it_said(
    quick: Shop, effective: Effective, moment: timedelta
) -> None:
    for number in range(ROUNDS // 3):
        stage = Stage(quick, number)

        reach, _ = at_once(
            partial(stage.edit, TOMORROW + moment, effective),
            partial(stage.catch_up, TOMORROW + timedelta(seconds=2)),
        )
        told = stage.told_by_entitlements(TOMORROW + timedelta(hours=1))
        first, second = stage.periods()
        stage.catch_up(TOMORROW + timedelta(days=1))

        billed = {stage.total(index): index for index in (0, 1)}
        assert told == second.plan_version
        assert (first.plan_version, second.plan_version) in {(2, 2), (2, 3), (3, 3)}
        assert set(billed) <= {Decimal(1), Decimal(100)}
        assert stage.total(1) == (100 if second.plan_version == 3 else 1)
        if effective is Effective.RUNNING_PERIOD:
            assert second.plan_version == 3
        else:
            assert first.plan_version == 2
            assert second.plan_version == (3 if moment <= timedelta(0) else 2)
        if effective is Effective.NEXT_PERIOD:
            # Before the roll nobody knows yet when the period after the next one begins.
            unknown = TOMORROW + max(moment, timedelta(0))
            assert reach.effective_from in {unknown, stage.periods()[1].ends_at}


@pytest.mark.parametrize("is_planned", [False, True], ids=["", "another plan is planned"])
@pytest.mark.parametrize("effective", list(Effective))
def test_edit_that_meets_a_cut_leaves_its_rest_as_it_said(
    quick: Shop, effective: Effective, is_planned: bool
) -> None:
    noon, other = NOW + timedelta(hours=12), quick.add_plan("other")
    for number in range(ROUNDS):
        stage = Stage(quick, number)
        if is_planned:
            stage.plan_change(other)

        at_once(
            partial(stage.edit, noon, effective),
            partial(stage.cut, noon),
        )

        first, rest = stage.periods()
        versions = first.plan_version, rest.plan_version
        if effective is Effective.RUNNING_PERIOD:
            assert versions in {(2, 3), (3, 3)}
        else:
            assert versions == (2, 2)
        assert stage.told_by_entitlements(noon + timedelta(hours=1)) == rest.plan_version


def test_nobody_has_subscribed_between_an_edit_and_its_count(quick: Shop) -> None:
    for number in range(ROUNDS):
        stage = Stage(quick, number)
        customer = add_customer(quick)
        command = CreateSubscription(customer_id=customer.id, plan_id=stage.plan.id, start_date=NOW)

        reach, made = at_once(
            partial(stage.edit, NOW, Effective.RUNNING_PERIOD),
            partial(quick.do, create_subscription, command),
        )

        stored = quick.read(subscriptions.find_period, made.id, 0)
        assert stored is not None
        assert stored.plan_version == 3
        assert reach.subscriptions in (1, 2)


def test_entitlements_tell_the_version_that_an_unopened_period_will_have(quick: Shop) -> None:
    stage = Stage(quick, 0)
    stage.edit(NOW + timedelta(hours=1), None)
    stage.edit(TOMORROW + timedelta(hours=1), None)
    later = TOMORROW + timedelta(hours=2)

    before = stage.told_by_entitlements(NOW + timedelta(hours=2))
    unopened = stage.told_by_entitlements(later)
    stage.catch_up(later)

    assert (before, unopened) == (2, 3)
    assert stage.told_by_entitlements(later) == 3
    assert [one.plan_version for one in stage.periods()] == [2, 3]
