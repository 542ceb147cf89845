"""Whatever happens to plans and subscriptions, claims are what a naive model says (CONTRACT 86)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session

from activities.subscriptions import SubscriptionActivities
from billing.errors import Conflict
from billing.invoicing.receipts import instant_text
from billing.rating.terms import ChargeType, Effective, VersionPolicy
from repositories.catalog import meter_claims
from repositories.subscriptions import subscriptions as stored_subscriptions
from repositories.transactions import Transactions
from services import customers
from services.catalog import charges
from services.catalog.charges import AddCharge
from services.customers import CreateCustomer, CustomerDetails
from services.lifecycle import changes, plan_changes
from services.subscriptions import agenda, clocks
from services.subscriptions import start as subscriptions
from services.subscriptions.start import CreateSubscription
from tests.services.claim_model import (
    FOREVER,
    Market,
    ModelPlan,
    Span,
    joined,
    months_later,
    periods_of,
)
from tests.services.shop import NOW, open_shop
from tests.workflows.acting import perform_entry

FIRST = datetime(2025, 3, 1, tzinfo=UTC)
SOLD = ((0,), (1,), (0, 1))
"""The meters that each plan charges at first."""

DAYS = (1, 5, 10, 20)
POLICIES = {False: VersionPolicy.LATEST, True: VersionPolicy.PINNED}
EFFECTIVE = {False: Effective.NEXT_PERIOD, True: Effective.RUNNING_PERIOD}

KINDS = (
    "subscribe",
    "subscribe",
    "cancel",
    "reactivate",
    "change",
    "charge",
    "uncharge",
    "migrate",
    "advance",
)
STEP = st.tuples(
    st.sampled_from(KINDS),
    st.integers(0, 11),
    st.integers(0, 11),
    st.booleans(),
    st.booleans(),
)
Step = tuple[str, int, int, bool, bool]


class Trade:
    """A real organization, and the model of it; each step is done in both."""

    def __init__(self, transactions: Transactions) -> None:
        self.shop = shop = open_shop(transactions)
        self.clock = shop.do(clocks.create_clock, "model", FIRST)
        self.meters = [shop.add_meter(name).id for name in ("calls", "minutes")]
        self.plans = [shop.add_plan(f"plan-{index}").id for index in range(len(SOLD))]
        self.added: dict[tuple[int, int], list[UUID]] = {}
        self.model = Market(now=FIRST, plans=[ModelPlan(charges={}) for _ in SOLD])
        for plan in self.model.plans:
            plan.publish()
        details = CustomerDetails(name="Harbor Labs", email="ap@harbor.test")
        command = CreateCustomer(details=details, test_clock_id=self.clock.id)
        self.customers = [shop.do(customers.create_customer, command).id for _ in range(2)]
        self.subscriptions: list[UUID] = []
        for plan_index, sold in enumerate(SOLD):
            for meter in sold:
                self.charge(plan_index, meter, for_running=False)

    def do(self, step: Step) -> None:
        """Perform a step on what the numbers choose."""
        kind, one, two, yes, also = step
        plan, meter = one % len(self.plans), two % len(self.meters)
        living = [at for at, life in enumerate(self.model.lives) if not life.is_over]
        match kind:
            case "subscribe":
                self.subscribe(one, two, trial=yes, pins=also)
            case "charge":
                self.charge(plan, meter, for_running=yes)
            case "uncharge":
                self.uncharge(plan, meter, for_running=yes)
            case "migrate":
                self.migrate(plan, for_running=yes)
            case "advance":
                self.advance(one)
            case _ if living:
                self.steer(kind, living[one % len(living)], two % len(self.plans), later=yes)

    def subscribe(self, one: int, two: int, *, trial: bool, pins: bool) -> None:
        customer, plan = one // 3 % 2 * (one // 9), one % len(self.plans)
        start = months_later(self.model.now, two % 3 - 1).replace(day=DAYS[two // 3])
        trial_end = start + timedelta(days=7) if trial and two % 2 else None
        command = CreateSubscription(
            customer_id=self.customers[customer],
            plan_id=self.plans[plan],
            start_date=start,
            has_own_trial=True,
            trial_end_date=trial_end,
            version_policy=POLICIES[pins and two % 2 == 0],
        )
        wanted = deepcopy(self.model)
        wanted.subscribe(customer, plan, start, trial_end, pins=command.version_policy == "pinned")

        def perform() -> None:
            made = self.shop.do(subscriptions.create_subscription, command)
            self.subscriptions.append(made.id)

        if self._both(wanted, perform, acting=len(self.model.lives)):
            self._follow(self.model.now)

    def steer(self, kind: str, at: int, plan: int, *, later: bool) -> None:
        """Cancel, reactivate or change the plan of a living subscription."""
        wanted = deepcopy(self.model)
        life = wanted.lives[at]
        options: dict[str, Any] = {}
        if kind == "cancel":
            service: Callable[..., object] = changes.cancel_subscription
            options = {"at_period_end": later}
            life.ends_at_boundary = True
            if not later:
                wanted.cancel_now(life)
        elif kind == "reactivate":
            service = changes.reactivate_subscription
            life.ends_at_boundary = False
        else:
            service = plan_changes.change_plan
            options = {"plan_id": self.plans[plan], "at_period_end": later}
            if later:
                life.next_plan = None if plan == life.plan else plan
            elif plan != life.plan or life.next_plan is not None:
                wanted.change_now(life, plan)
        self._both(wanted, lambda: self._steer(service, at, options), acting=at)

    def charge(self, plan: int, meter: int, *, for_running: bool) -> None:
        wanted = deepcopy(self.model)
        counts = wanted.plans[plan].charges
        counts[meter] = counts.get(meter, 0) + 1
        wanted.edit(plan, for_running=for_running)
        command = AddCharge(
            type=ChargeType.USAGE, meter_id=self.meters[meter], unit_price=Decimal(1)
        )

        def perform() -> None:
            effective = EFFECTIVE[for_running]
            with self.shop.transactions.for_organization(self.shop.organization_id) as session:
                charge = charges.add_charge(
                    session,
                    self.shop.organization_id,
                    self.plans[plan],
                    command,
                    effective=effective,
                    now=NOW,
                ).result
                charge_id = charge.id
            self.added.setdefault((plan, meter), []).append(charge_id)

        self._both(wanted, perform)

    def uncharge(self, plan: int, meter: int, *, for_running: bool) -> None:
        if not self.added.get((plan, meter)):
            return
        wanted = deepcopy(self.model)
        wanted.plans[plan].charges[meter] -= 1
        wanted.edit(plan, for_running=for_running)
        charge_id = self.added[plan, meter].pop()
        arguments = (self.plans[plan], charge_id, "INACTIVE")
        self._both(wanted, lambda: self._edit(charges.set_charge_status, arguments, for_running))

    def migrate(self, plan: int, *, for_running: bool) -> None:
        are_refused = self.model.migrate(plan, for_running=for_running)
        with pytest.raises(Conflict) if are_refused else nullcontext():
            self.shop.migrate(self.plans[plan], effective=EFFECTIVE[for_running])

    def advance(self, far: int) -> None:
        to = months_later(self.model.now.replace(day=1), far % 3).replace(day=DAYS[far % 4])
        if to > self.model.now:
            self.shop.do(clocks.advance_clock, self.clock.id, to)
            self._follow(to)

    def check(self) -> None:
        """Periods and claims are stored as the model has them, and nothing is claimed twice."""
        shop = self.shop
        with shop.transactions.for_organization(shop.organization_id) as session:
            claims = self._read_claims(session)
            for at, (subscription_id, life) in enumerate(
                zip(self.subscriptions, self.model.lives, strict=True)
            ):
                assert self.model.rivals(at) == {}
                stored = stored_subscriptions.list_periods(
                    session, shop.organization_id, subscription_id
                )
                assert [
                    (one.starts_at, one.ends_at, self.plans.index(one.plan_id), one.plan_version)
                    for one in stored
                ] == periods_of(life)
                assert claims.get(subscription_id, {}) == self.model.claims(at)

    def _read_claims(self, session: Session) -> dict[UUID, dict[int, list[Span]]]:
        """What each subscription claims of each meter, joined."""
        found: dict[UUID, dict[int, list[Span]]] = {}
        for customer_id in self.customers:
            for one in meter_claims.list_claims(session, self.shop.organization_id, customer_id):
                meter = self.meters.index(one.meter_id)
                spans = found.setdefault(one.subscription_id, {}).setdefault(meter, [])
                spans.append((one.starts_at, one.ends_at or FOREVER))
        return {
            subscription_id: {meter: joined(spans) for meter, spans in claimed.items()}
            for subscription_id, claimed in found.items()
        }

    def _both(
        self, wanted: Market, perform: Callable[[], object], acting: int | None = None
    ) -> bool:
        """The product refuses exactly what would bill an instant twice, and then does nothing."""
        rivals = [wanted.rivals(at) for at in range(len(wanted.lives))]
        if not any(rivals):
            perform()
            self.model = wanted
            return True
        with pytest.raises(Conflict) as caught:
            perform()
        self._check_refusal(caught.value, rivals, acting)
        return False

    def _check_refusal(
        self, error: Conflict, rivals: list[dict[int, datetime]], acting: int | None
    ) -> None:
        assert error.code == "meter_already_billed"
        named = self.subscriptions.index(UUID(error.identifiers["subscription_id"]))
        free_from = error.identifiers["free_from"]
        if acting is not None:
            last = max(rivals[acting].values())
            assert rivals[acting][named] == last
            assert free_from == (None if last == FOREVER else instant_text(last))
        else:
            assert rivals[named]

    def _steer(self, service: Callable[..., object], at: int, options: dict[str, Any]) -> None:
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            service(session, self.shop.organization_id, self.subscriptions[at], **options, now=NOW)

    def _edit(
        self, service: Callable[..., object], arguments: tuple[object, ...], for_running: bool
    ) -> None:
        effective = EFFECTIVE[for_running]
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            service(session, self.shop.organization_id, *arguments, effective=effective, now=NOW)

    def _follow(self, to: datetime) -> None:
        """Every workflow does what is due; the model's do so too."""
        self.model.advance(to)
        activities = SubscriptionActivities(self.shop.transactions, lambda: NOW)
        for subscription_id in self.subscriptions:
            state = self.shop.read(agenda.get_state, subscription_id)
            while state.agenda and state.agenda[0].due_at <= to:
                state = perform_entry(
                    activities,
                    str(self.shop.organization_id),
                    str(subscription_id),
                    state.agenda[0],
                )
            self.shop.read(clocks.record_progress, subscription_id, to)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEP, min_size=15, max_size=30))
def test_claims_are_what_a_naive_model_says(transactions: Transactions, steps: list[Step]) -> None:
    trade = Trade(transactions)

    for step in steps:
        trade.do(step)
        trade.check()
