"""Subscribers of one plan each, whose periods are closed in groups or one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session

from activities import declarations
from activities.closing import WORK, ClosingActivities
from activities.declarations import ActionRequest, Step
from activities.subjects import ids_of
from billing.metering.aggregations import Aggregation
from billing.rating.terms import ChargeType, OverLimit
from billing.subscriptions import Action, WorkflowState
from repositories.invoicing import late_usage
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.catalog import charges, tax_rates
from services.catalog.charges import AddCharge
from services.catalog.meters import CreateMeter, MeterDetails
from services.catalog.tax_rates import CreateTaxRate
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.subscriptions import agenda
from services.subscriptions.start import CreateSubscription, create_subscription
from services.usage.rollups import rebuild_rollups
from tests.services.shop import Shop
from tests.services.usage_facts import Fact, store_events

START = datetime(2026, 1, 1, tzinfo=UTC)
TIERS = {
    "model": "graduated",
    "tiers": [{"up_to": 100, "unit_price": "0.3"}, {"up_to": None, "unit_price": "0.07"}],
}

TABLES = (
    "billing_run",
    "subscription",
    "subscription_period",
    "subscription_action",
    "invoice",
    "invoice_line",
    "invoice_tax",
    "invoice_parties",
    "invoice_receipt",
    "invoice_sequence",
    "account_posting",
    "late_usage_mark",
    "correction_part",
    "outbox_message",
)
GENERATED = "{id,invoice_id,line_id,draft_id,key,created_at,recorded_at}"
"""Columns that every writing makes anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """Who is billed, and the meters that their plan charges."""

    shop: Shop
    id: UUID
    customer_id: UUID
    meters: tuple[UUID, ...]

    def use(self, facts: Sequence[Fact], meter: int = 0) -> None:
        """Usage that is stored and rolled up; what is late is marked."""
        store_events(self.shop, self.customer_id, self.meters[meter % len(self.meters)], facts)

    def mark(self, *indexes: int, now: datetime) -> None:
        """These periods are to be rated again."""
        with self.shop.transactions.for_organization(self.shop.organization_id) as session:
            row = stored_subscriptions.find_subscription(
                session, self.shop.organization_id, self.id
            )
            assert row is not None
            late_usage.mark_periods(session, row, indexes, now=now)

    def due(self, action: Action, now: datetime) -> ActionRequest | None:
        """The request of what is next on the agenda, if it is that and due."""
        state = self.shop.read(agenda.get_state, self.id)
        entry = state.agenda[0]
        if entry.action is not action or entry.due_at > now:
            return None
        return ActionRequest(
            organization_id=str(self.shop.organization_id),
            subscription_id=str(self.id),
            due_at=entry.due_at,
            period_index=entry.period_index,
            invoice_id=entry.invoice_id,
            revision=entry.revision,
        )


def sell_simple(shop: Shop, name: str) -> tuple[UUID, tuple[UUID, ...]]:
    """A price a unit, some included, and a fee."""
    plan = shop.add_plan(name)
    meter = shop.add_meter(f"{name}_calls")
    shop.add_usage_charge(plan, meter.id, unit_price=Decimal("0.013"), included_units=Decimal(7))
    fee = AddCharge(type=ChargeType.FIXED, unit_price=Decimal("9.99"))
    shop.do(charges.add_charge, plan.id, fee)
    return plan.id, (meter.id,)


def sell_bounded(shop: Shop, name: str) -> tuple[UUID, tuple[UUID, ...]]:
    """Tiers between a least and a greatest amount."""
    plan = shop.add_plan(name)
    meter = shop.add_meter(f"{name}_calls")
    shop.add_usage_charge(
        plan, meter.id, pricing=TIERS, minimum=Decimal(5), maximum=Decimal("61.5")
    )
    return plan.id, (meter.id,)


def sell_many(shop: Shop, name: str) -> tuple[UUID, tuple[UUID, ...]]:
    """A meter of every kind of aggregation, one of them with a level that is carried forward."""
    plan = shop.add_plan(name)
    meters = []
    for aggregation in Aggregation:
        details = MeterDetails(
            aggregation_type=aggregation,
            property_name="who" if aggregation.definition.uses_distinct_values else None,
            carry_forward=aggregation is Aggregation.LAST,
        )
        meter = shop.add_feature(
            f"{name}_{aggregation.value}".lower(),
            meter=CreateMeter(meter_name=f"{name}_{aggregation.value}".lower(), details=details),
        ).meter_id
        assert meter is not None
        shop.add_usage_charge(plan, meter, unit_price=Decimal("1.1"))
        meters.append(meter)
    return plan.id, tuple(meters)


def sell_limited(shop: Shop, name: str) -> tuple[UUID, tuple[UUID, ...]]:
    """What is over a hard limit is waived."""
    plan = shop.add_plan(name)
    feature = shop.add_feature(f"{name}_calls")
    shop.grant(plan, feature, usage_limit=Decimal(50), over_limit=OverLimit.WAIVE)
    assert feature.meter_id is not None
    shop.add_usage_charge(plan, feature.meter_id, unit_price=Decimal("0.5"))
    return plan.id, (feature.meter_id,)


SELL: dict[str, Callable[[Shop, str], tuple[UUID, tuple[UUID, ...]]]] = {
    "simple": sell_simple,
    "bounded": sell_bounded,
    "many": sell_many,
    "limited": sell_limited,
}


def tax(shop: Shop) -> None:
    """Customers in Germany are taxed."""
    rate = CreateTaxRate(name="VAT", country="DE", percentage=Decimal(19))
    shop.do(tax_rates.create_tax_rate, rate)


def subscribe(
    shop: Shop,
    sold: tuple[UUID, tuple[UUID, ...]],
    *,
    starts_at: datetime = START,
    country: str | None = None,
    customer_id: UUID | None = None,
) -> Subscriber:
    """A customer, by default a new one, on a plan, on the wall's time."""
    if customer_id is None:
        person = CustomerDetails(name="Harbor Labs", billing_address_country=country)
        customer_id = shop.do(create_customer, CreateCustomer(details=person), now=START).id
    command = CreateSubscription(customer_id=customer_id, plan_id=sold[0], start_date=starts_at)
    made = shop.do(create_subscription, command, now=starts_at)
    return Subscriber(shop=shop, id=made.id, customer_id=customer_id, meters=sold[1])


def roll_up(shop: Shop) -> None:
    """Roll-ups say what the events do."""
    shop.read(rebuild_rollups)


def close_together(
    closing: ClosingActivities, subscribers: Sequence[Subscriber], now: datetime
) -> dict[UUID, Any]:
    """Everybody's period is closed and billed by groups; the last answer of each."""
    rolled = [one.due(Action.CLOSE_PERIOD, now) for one in subscribers]
    due = [request for request in rolled if request is not None]
    answers: list[Any] = []
    for step in (declarations.ROLL_PERIOD, *declarations.BILL_STEPS, declarations.ISSUE_INVOICE):
        answers = closing.perform(step, due)
        due = [
            request
            for request, answer in zip(due, answers, strict=True)
            if not isinstance(answer, Exception)
        ]
    return {ids_of(request)[1]: answer for request, answer in zip(due, answers, strict=False)}


def rows_of(session: Session) -> list[tuple[str, str]]:
    """What is stored, without what every writing makes anew."""
    session.flush()
    return [
        (table, row)
        for table in TABLES
        for row in session.execute(
            text(
                f"SELECT (to_jsonb(t) - CAST('{GENERATED}' AS text[]))::text"
                f" FROM {table} AS t ORDER BY 1"
            )
        ).scalars()
    ]


def do_and_take_back(
    shop: Shop,
    organizations: Sequence[UUID],
    step: Step[ActionRequest, Any],
    requests: Sequence[ActionRequest],
    now: datetime,
) -> tuple[list[Any], list[tuple[str, str]]]:
    """What a group answers and would have stored."""
    with shop.transactions.for_organizations(organizations) as session:
        answers = [without_ids(one) for one in WORK[step](session, requests, now)]
        rows = rows_of(session)
        session.rollback()
    return answers, rows


def without_ids(answer: Any) -> Any:
    """An answer without the ids of invoices, which every writing makes anew."""
    if not isinstance(answer, WorkflowState):
        return answer
    entries = tuple(replace(entry, invoice_id=None) for entry in answer.agenda)
    return replace(answer, agenda=entries)
