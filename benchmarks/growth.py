"""What ingestion, a close and a query cost as one month grows: 1, 10 and 30 million events.

    python -m benchmarks growth

Takes most of an hour and some 20 GB, so it is not among the benchmarks that run by default. The
months of all sizes share one partition. ``BENCHMARK_GROWTH`` names other sizes, in thousands.
"""

from __future__ import annotations

import os
import random
import tempfile
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any
from uuid import UUID, uuid4

from activities import declarations
from activities.declarations import ActionRequest, SubscriptionReference
from activities.subscriptions import SubscriptionActivities
from benchmarks.backend import run_writers
from benchmarks.direct_writer import prepare_list
from benchmarks.figures import Result, figure
from benchmarks.servers import make_database, running_postgres
from benchmarks.usage_growth import MONTH, NEXT_MONTH, Month
from billing.periods import Interval
from billing.rating.terms import ChargeType, PlanType
from billing.subscriptions import WorkflowState
from services.catalog import charges, plans
from services.catalog.charges import AddCharge
from services.catalog.plans import PlanDetails
from services.subscriptions.start import CreateSubscription, create_subscription

SIZES = tuple(
    1000 * int(one) for one in os.environ.get("BENCHMARK_GROWTH", "1000,10000,30000").split(",")
)
LISTS, LIST_ROWS = 100, 100
AFTER = NEXT_MONTH + timedelta(hours=2)


def measure() -> list[Result]:
    """The figures of each size."""
    with running_postgres() as server:
        url = make_database(server)
        return [one for size in SIZES for one in measure_size(url, size)]


def measure_size(url: str, size: int) -> list[Result]:
    """Load a month, then ingest into it, query it and close it."""
    month = Month(url, size)
    month.rebuild()
    spread, recent = ingest(month, timedelta(days=31)), ingest(month, timedelta(hours=1))
    query = median(month.read() for _ in range(3)) * 1000
    wall, cpu = close(month)
    name = f"{size // 1_000_000} million events" if size >= 1_000_000 else f"{size:,} events"
    identifier = f"G{size // 1000}"
    return [
        figure(
            f"{identifier}a",
            f"ingesting events of the last hour, one writer, lists of 100, month of {name}",
            value=recent,
            unit="events/s",
        ),
        figure(
            f"{identifier}d",
            f"the same, every event from anywhere in the month of {name}",
            value=spread,
            unit="events/s",
        ),
        figure(
            f"{identifier}b",
            f"reading the month's usage in the database, month of {name}",
            value=query,
            unit="ms",
        ),
        figure(
            f"{identifier}c",
            f"closing and billing the month, month of {name}; CPU of it {1000 * cpu:.0f} ms",
            value=1000 * wall,
            unit="ms",
        ),
    ]


def ingest(month: Month, age: timedelta) -> float:
    """Events a second of the ingestion statement, called directly by one writer.

    Events of the month's last ``age``: where they lie anywhere, each one touches pages of its own.
    """
    organization, meter, customer = (
        str(one) for one in (month.organization, month.meter, month.customer)
    )
    lists = [
        prepare_list(organization, meter, make_rows(age), {"harbor": customer})
        for _ in range(LISTS)
    ]
    with tempfile.TemporaryDirectory() as directory:
        return LISTS * LIST_ROWS / run_writers(month.database_url, Path(directory), [lists])


def make_rows(age: timedelta) -> list[dict[str, Any]]:
    """A list of new events, spread over the last ``age`` of the month."""
    numbers, seconds = random.Random(uuid4().int), int(age.total_seconds())
    return [
        {
            "customer_external_id": "harbor",
            "quantity": numbers.randrange(1, 1000),
            "timestamp": (
                NEXT_MONTH - timedelta(seconds=1 + numbers.randrange(seconds))
            ).isoformat(),
            "idempotency_key": str(uuid4()),
        }
        for _ in range(LIST_ROWS)
    ]


def close(month: Month) -> tuple[float, float]:
    """Seconds that closing, billing and finalizing the month takes, and CPU seconds of them."""
    subscription_id = subscribe(month)
    activities = SubscriptionActivities(month.transactions, lambda: AFTER)
    reference = SubscriptionReference(
        organization_id=str(month.organization), subscription_id=str(subscription_id)
    )
    began, worked = perf_counter(), process_time()
    request = request_of(reference, NEXT_MONTH)
    activities.closing.perform(declarations.ROLL_PERIOD, [request])
    for step in declarations.BILL_STEPS:
        activities.closing.perform(step, [request])
    [state] = activities.closing.perform(declarations.ISSUE_INVOICE, [request])
    assert isinstance(state, WorkflowState), state
    draft = next(entry for entry in state.agenda if entry.invoice_id)
    request = request_of(reference, draft.due_at, draft.invoice_id)
    activities.closing.perform(declarations.FINALIZE_INVOICE, [request])
    return perf_counter() - began, process_time() - worked


def request_of(
    reference: SubscriptionReference, due_at: datetime, invoice_id: str | None = None
) -> ActionRequest:
    """What the workflow asks of a step for the month."""
    return ActionRequest(
        organization_id=reference.organization_id,
        subscription_id=reference.subscription_id,
        due_at=due_at,
        period_index=0,
        invoice_id=invoice_id,
    )


def subscribe(month: Month) -> UUID:
    """The month's customer is subscribed to a plan that charges for its meter."""
    with month.transactions.for_organization(month.organization) as session:
        terms = PlanDetails(
            name="Growth",
            lookup_id="growth",
            type=PlanType.USAGE,
            billing_interval=Interval.MONTH,
            currency="USD",
        )
        plan = plans.create_plan(session, month.organization, terms, now=MONTH).plan
        price = AddCharge(type=ChargeType.USAGE, meter_id=month.meter, unit_price=Decimal("0.001"))
        charges.add_charge(session, month.organization, plan.id, price, now=MONTH)
        command = CreateSubscription(customer_id=month.customer, plan_id=plan.id, start_date=MONTH)
        return create_subscription(session, month.organization, command, now=MONTH).id
