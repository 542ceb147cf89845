"""What a wave bills: subscriptions to a plan of three meters, and usage of each of them."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
from sqlmodel import Session

from benchmarks.backend import run_writers
from benchmarks.direct_writer import prepare_list
from billing.metering.aggregations import Aggregation
from billing.periods import Interval
from billing.rating.terms import ChargeType, PlanType
from models.accounts.organizations import Organization
from models.base import new_id
from repositories.accounts.organizations import insert_organization
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from services.catalog import charges, meters, plans
from services.catalog.charges import AddCharge
from services.catalog.meters import CreateMeter, MeterDetails
from services.catalog.plans import PlanDetails
from services.customers import CreateCustomer, CustomerDetails, create_customer
from services.operations.outbox import WakeMessage
from services.subscriptions import start
from services.subscriptions.start import CreateSubscription

METERS = ("calls", "tokens", "gigabytes")
EVENTS_A_METER = 10
LIST_ROWS = 1000


def make_subscriptions(database_url: str, begins_at: datetime, count: int) -> list[WakeMessage]:
    """Customers of one organization on one plan, whose first period began at that instant.

    The plan charges three meters, and every customer has used each of them.
    """
    organization_id, now = new_id(), datetime.now(UTC)
    engine = create_application_engine(database_url)
    with Transactions(engine).for_organization(organization_id) as session:
        plan_id, meter_ids = sell(session, organization_id, now)
        made = []
        for number in range(count):
            customer = create_customer(
                session,
                organization_id,
                CreateCustomer(details=CustomerDetails(name=f"Customer {number}")),
                now=now,
            )
            command = CreateSubscription(
                customer_id=customer.id, plan_id=plan_id, start_date=begins_at
            )
            made.append(start.create_subscription(session, organization_id, command, now=now))
        keys = [(one.id, one.customer_id) for one in made]
    engine.dispose()
    add_usage(database_url, organization_id, meter_ids, [whose for _, whose in keys], begins_at)
    return wake_messages_of(organization_id, [one for one, _ in keys])


def sell(session: Session, organization_id: UUID, now: datetime) -> tuple[UUID, list[UUID]]:
    """A new organization without grace, with a plan and the meters that it charges."""
    insert_organization(
        session,
        Organization(
            id=organization_id, name="Wave", slug="wave", grace_period_minutes=0, created_at=now
        ),
    )
    details = MeterDetails(aggregation_type=Aggregation.SUM)
    meter_ids = [
        meters.create_meter(
            session, organization_id, CreateMeter(meter_name=name, details=details), now=now
        ).id
        for name in METERS
    ]
    terms = PlanDetails(
        name="Wave",
        lookup_id="wave",
        type=PlanType.USAGE,
        billing_interval=Interval.MONTH,
        currency="USD",
    )
    plan_id = plans.create_plan(session, organization_id, terms, now=now).plan.id
    for meter_id in meter_ids:
        price = AddCharge(type=ChargeType.USAGE, meter_id=meter_id, unit_price=Decimal("0.001"))
        charges.add_charge(session, organization_id, plan_id, price, now=now)
    return plan_id, meter_ids


def wake_messages_of(organization_id: UUID, ids: Sequence[UUID]) -> list[WakeMessage]:
    """A message for each subscription."""
    return [WakeMessage(organization_id=organization_id, subscription_id=one) for one in ids]


def add_usage(
    database_url: str,
    organization_id: UUID,
    meter_ids: Sequence[UUID],
    customer_ids: Sequence[UUID],
    begins_at: datetime,
) -> None:
    """Every customer has used each meter, by the product's own statement."""
    now = datetime.now(UTC)
    customers = {str(one): str(one) for one in customer_ids}
    with psycopg.connect(database_url) as connection:
        for month in {begins_at.replace(day=1).date(), now.replace(day=1).date()}:
            connection.execute("SELECT ensure_usage_partition(%s)", [month])
    seconds = int((now - begins_at) / timedelta(seconds=1)) - 1
    numbers = random.Random(1)
    lists = []
    for meter_id in meter_ids:
        rows = [
            {
                "customer_external_id": customer,
                "quantity": numbers.randrange(1, 1000),
                "timestamp": (
                    begins_at + timedelta(seconds=numbers.randrange(seconds))
                ).isoformat(),
                "idempotency_key": str(uuid4()),
            }
            for customer in customers
            for _ in range(EVENTS_A_METER)
        ]
        lists += [
            prepare_list(str(organization_id), str(meter_id), rows[at : at + LIST_ROWS], customers)
            for at in range(0, len(rows), LIST_ROWS)
        ]
    with tempfile.TemporaryDirectory() as directory:
        run_writers(database_url, Path(directory), [lists])
