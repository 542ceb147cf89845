"""A subscription in a real database whose workflow is the test: it performs what is due itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from sqlmodel import col, select

from activities.subscriptions import SubscriptionActivities
from billing.metering.aggregations import Aggregation
from billing.subscriptions import AgendaEntry, WorkflowState
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from models.usage.events import UsageEvent
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.catalog import versions
from services.catalog.meters import CreateMeter, MeterDetails
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.subscriptions import agenda, clocks, start
from services.subscriptions.start import CreateSubscription
from services.usage.rollups import rebuild_rollups
from tests.services.shop import NOW, Shop
from tests.services.usage_facts import Fact, store_events
from tests.workflows.acting import perform_entry

Result = TypeVar("Result")

START = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One customer on a test clock, subscribed from 1 January 2025."""

    shop: Shop
    subscription_id: UUID
    clock_id: UUID

    def do(self, service: Callable[..., Result], *args: Any, **options: Any) -> Result:
        """Call a service about the subscription, and commit."""
        shop = self.shop
        with shop.transactions.for_organization(shop.organization_id) as session:
            return service(session, shop.organization_id, self.subscription_id, *args, **options)

    def state(self) -> WorkflowState:
        """What the workflow would read."""
        return self.shop.read(agenda.get_state, self.subscription_id)

    def row(self) -> Subscription:
        """The subscription as it is stored."""
        found = self.shop.read(stored_subscriptions.find_subscription, self.subscription_id)
        assert found is not None
        return found

    def period(self, index: int) -> SubscriptionPeriod:
        """A period as it is stored."""
        found = self.shop.read(stored_subscriptions.find_period, self.subscription_id, index)
        assert found is not None
        return found

    def meter_id(self) -> UUID:
        """The meter that the plan charges first."""
        terms = self.shop.read(versions.get_terms, self.row().plan_id, None)
        meter = terms.charges[0].meter
        assert meter is not None
        return meter.meter_id

    def use(self, at: datetime, quantity: int, meter_id: UUID | None = None) -> UsageEvent:
        """The customer uses the meter, and nobody is told that it changes a final period."""
        event = Fact(at=at, value=Decimal(quantity))
        customer_id = self.row().customer_id
        [stored] = store_events(self.shop, customer_id, meter_id or self.meter_id(), [event])
        self.shop.read(rebuild_rollups)
        return stored

    def invoices(self) -> list[Invoice]:
        """The subscription's invoices, first ones first."""
        shop = self.shop
        with shop.transactions.for_organization(shop.organization_id) as session:
            found = session.exec(
                select(Invoice)
                .where(Invoice.subscription_id == self.subscription_id)
                .order_by(col(Invoice.created_at), col(Invoice.id))
            )
            return list(found)

    def advance(self, to: datetime) -> None:
        """The clock advances, and everything that is due happens."""
        self.send_clock(to)
        self.catch_up()

    def send_clock(self, to: datetime) -> None:
        """The clock advances; nobody has come along yet."""
        self.shop.do(clocks.advance_clock, self.clock_id, to)

    def act(self, entry: AgendaEntry) -> WorkflowState:
        """Perform one entry of the agenda, as the workflow does."""
        activities = SubscriptionActivities(self.shop.transactions, lambda: NOW)
        return perform_entry(
            activities, str(self.shop.organization_id), str(self.subscription_id), entry
        )

    def catch_up(self) -> WorkflowState:
        """Perform everything that is due on the clock, and report it."""
        state = self.state()
        while state.agenda and state.clock_at and state.agenda[0].due_at <= state.clock_at:
            state = self.act(state.agenda[0])
        if state.clock_at is not None:
            self.do(clocks.record_progress, state.clock_at)
        return self.state()


def begin_life(
    shop: Shop,
    *,
    aggregation: Aggregation = Aggregation.SUM,
    carry_forward: bool = False,
    charge: Mapping[str, Any] | None = None,
    **options: Any,
) -> Life:
    """A subscription to a plan that charges a dollar a call, or as ``charge`` says."""
    details = MeterDetails(aggregation_type=aggregation, carry_forward=carry_forward)
    feature = shop.add_feature(meter=CreateMeter(meter_name="api_calls", details=details))
    plan = shop.add_plan()
    assert feature.meter_id is not None
    shop.add_usage_charge(plan, feature.meter_id, **(charge or {"unit_price": Decimal(1)}))
    clock = shop.do(clocks.create_clock, "life", START)
    person = CustomerDetails(name="Harbor Labs", email="ap@harbor.test")
    customer = shop.do(create_customer, CreateCustomer(details=person, test_clock_id=clock.id))
    command = CreateSubscription(
        customer_id=customer.id, plan_id=plan.id, start_date=START, **options
    )
    subscription = shop.do(start.create_subscription, command)
    return Life(shop=shop, subscription_id=subscription.id, clock_id=clock.id)
