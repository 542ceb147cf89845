"""A subscriber whose period closes while others act."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from activities.subscriptions import SubscriptionActivities
from billing.rating.terms import ChargeType
from repositories.invoicing import invoices
from repositories.subscriptions import actions as stored_actions
from repositories.subscriptions import subscriptions
from services.accounts.settings import ChangeSettings, change_settings
from services.catalog import charges
from services.lifecycle import changes, plan_changes
from services.subscriptions import agenda as agendas
from services.subscriptions.start import CreateSubscription, create_subscription
from tests.api.people import Clock
from tests.services.shop import Shop
from tests.services.usage.windows import add_customer
from tests.workflows.acting import perform_entry

JANUARY, FEBRUARY, MARCH, APRIL = (datetime(2025, month, 1, tzinfo=UTC) for month in range(1, 5))
FEES = {"free": 0, "basic": 26_784, "dear": 267_840, "dearest": 2_678_400}
"""Each plan's price of a month. A second of January costs a cent on the basic one, so it shows."""

Story = tuple[tuple[str, datetime, str], ...]
"""The plan of each period, its end and the total of its bill, empty where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A subscription on the wall clock, from 1 January 2025; the test is its workflow."""

    shop: Shop
    plans: dict[str, UUID]
    id: UUID

    def do(self, service: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return self.shop.read(service, self.id, *args, **options)

    def catch_up(self, until: datetime, due: Any = None) -> None:
        """Do what is due by then as the workflow does, beginning with what it knows already."""
        agenda = (due,) if due else self.do(agendas.get_state).agenda
        while agenda and agenda[0].due_at <= until:
            activities = SubscriptionActivities(self.shop.transactions, Clock(agenda[0].due_at))
            names = str(self.shop.organization_id), str(self.id)
            agenda = perform_entry(activities, *names, agenda[0]).agenda

    def change(self, plan: str, at: datetime) -> Any:
        return self.do(plan_changes.change_plan, self.plans[plan], at_period_end=False, now=at)

    def cancel(self, at: datetime) -> Any:
        return self.do(changes.cancel_subscription, at_period_end=False, now=at)

    def happened(self, action: str) -> list[Any]:
        actions = self.do(stored_actions.list_actions)
        return [one.period_index for one in actions if one.action == action]

    def story(self) -> Story:
        """The periods with their bills: they tile the life, and each was closed once."""
        row, periods = self.do(subscriptions.find_subscription), self.do(subscriptions.list_periods)
        begins = [one.starts_at for one in periods]
        assert begins == [JANUARY, *(one.ends_at for one in periods[:-1])]
        last = (periods[-1].index, periods[-1].starts_at, periods[-1].ends_at)
        assert last == (row.current_period_index, row.current_period_start, row.current_period_end)
        assert row.ended_at in (None, last[-1])
        closed = [one.index for one in periods if one.status != "open"]
        assert closed == list(range(len(periods) - (row.ended_at is None)))
        assert sorted(self.happened("period_closed")) == closed
        names = {identifier: name for name, identifier in self.plans.items()}
        bills = [self.do(invoices.find_period_invoice, one.index) for one in periods]
        return tuple(
            (names[one.plan_id], one.ends_at, str(getattr(bill, "total", "")))
            for one, bill in zip(periods, bills, strict=True)
        )


def sell_at(shop: Shop) -> Callable[..., Subscriber]:
    """The plans are for sale; gives what makes a new customer subscribe to one."""
    shop.do(change_settings, ChangeSettings(values={"proration": "second"}))
    customer_id = add_customer(shop)
    plans = {name: shop.add_plan(name).id for name in FEES}
    for name, fee in FEES.items():
        charge = charges.AddCharge(type=ChargeType.FIXED, unit_price=Decimal(fee))
        shop.do(charges.add_charge, plans[name], charge)

    def subscribe(plan: str = "basic") -> Subscriber:
        command = partial(CreateSubscription, customer_id=customer_id, start_date=JANUARY)
        made = shop.do(create_subscription, command(plan_id=plans[plan]), now=JANUARY)
        return Subscriber(shop=shop, plans=plans, id=made.id)

    return subscribe
