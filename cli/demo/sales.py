"""What the demo sells, how it is used, and what the invoice must say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypedDict

from fluxrate_client import Fluxrate
from fluxrate_client.params import EventReportParams, PriceModelWriteParams
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.output import refuse

BATCH_ROWS = 10_000
JANUARY = datetime(2025, 1, 1, tzinfo=UTC)
TIERS: PriceModelWriteParams = {
    "model": "graduated",
    "tiers": [
        {"up_to": 1000, "unit_price": "0.002"},
        {"up_to": 10000, "unit_price": "0.001"},
        {"up_to": None, "unit_price": "0.0005"},
    ],
}


class Charge(TypedDict, total=False):
    """What a plan asks for, and how invoices call it."""

    unit_price: str
    display_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """What one of the demo's customers buys, uses and must be billed."""

    lookup_id: str
    plan_name: str
    meter_name: str
    charge: Charge
    rules: PriceModelWriteParams | None
    calls: int
    total: Decimal


PAY_AS_YOU_GO = Sale(
    lookup_id="payg",
    plan_name="Pay as you go",
    meter_name="api_calls",
    charge={"unit_price": "0.001", "display_name": "API calls ($0.001 each)"},
    rules=None,
    calls=82_450,
    total=Decimal("82.45"),
)
TIERED = Sale(
    lookup_id="tiered",
    plan_name="Cheaper by volume",
    meter_name="api_calls_tiered",
    charge={"display_name": "API calls"},
    rules=TIERS,
    calls=15_000,
    total=Decimal("13.50"),
)


def make_meter(client: Fluxrate, sale: Sale) -> str:
    """The id of a new meter; its rules are set when the sale is priced by tiers."""
    feature = client.features.create(
        name="API Calls",
        lookup_key=sale.meter_name,
        type="meter",
        meter_name=sale.meter_name,
        property_name="calls",
        aggregation_type="SUM",
        unit="calls",
    )
    meter_id = str(feature.meter_id)
    if sale.rules is not None:
        client.meters.update(meter_id, usage_pricing_rules=sale.rules)
    return meter_id


def make_plan(client: Fluxrate, sale: Sale, meter_id: str) -> str:
    """The id of a new monthly plan with one usage charge."""
    plan = client.plans.create(
        name=sale.plan_name,
        lookup_id=sale.lookup_id,
        type="USAGE",
        billing_interval="month",
        currency="USD",
    )
    client.plans.add_charge(plan.id, type="USAGE", meter_id=meter_id, **sale.charge)
    return plan.id


def subscribe(client: Fluxrate, sale: Sale, plan_id: str) -> tuple[str, str]:
    """Ids of a new test clock and of the customer who lives on it, subscribed."""
    clock = client.test_clocks.create(name=sale.plan_name, frozen_time=JANUARY)
    customer = client.customers.create(
        name="Harbor Labs",
        email=f"{sale.lookup_id}@harbor.test",
        external_id=sale.lookup_id,
        test_clock_id=clock.id,
    )
    client.subscriptions.create(
        customer_id=customer.id,
        plan_id=plan_id,
        billing_interval="month",
        start_date=JANUARY,
    )
    return clock.id, customer.id


def send_calls(console: Console, backend: Fluxrate, sale: Sale) -> None:
    """Every call is stored, once; one that was sent again, since its answer was lost, as well.

    Raises:
        Refusal: a row was rejected.
    """
    with progress_bar(console, sale.calls) as advance:
        for first in range(0, sale.calls, BATCH_ROWS):
            rows = [call(sale, n) for n in range(first, min(first + BATCH_ROWS, sale.calls))]
            answer = backend.usage.track_all(rows, results="errors")
            if answer.rejected:
                refuse(f"The API rejected events: {answer.results[:3]}")
            advance(len(rows))


def call(sale: Sale, number: int) -> EventReportParams:
    """One API call of January; the calls are spread evenly over the month."""
    into_month = timedelta(days=31) * number / sale.calls
    return {
        "customer_external_id": sale.lookup_id,
        "meter_name": sale.meter_name,
        "timestamp": JANUARY + into_month,
        "idempotency_key": f"{sale.lookup_id}-{number}",
        "properties": {"calls": 1},
    }


def read_invoice(client: Fluxrate, sale: Sale, customer_id: str) -> str:
    """The text of the customer's one invoice, and below it its state.

    Raises:
        Refusal: there is not exactly one, or it is not open, or its total is wrong.
    """
    invoices = client.invoices.list(customer_id=customer_id).first()
    found = [(invoice.status, invoice.total) for invoice in invoices]
    if found != [("OPEN", sale.total)]:
        refuse(f"Expected one OPEN invoice of {sale.total}, found {found}.")
    [invoice] = invoices
    text = client.invoices.text(str(invoice.id)).rstrip()
    return f"{text}\n\nStatus: {invoice.status}, due {invoice.due_date.date()}"


def pages_made(client: Fluxrate) -> Iterator[tuple[str, str]]:
    """The pages that the demo's customers have: their portals, for an hour, and their invoices."""
    for sale in (PAY_AS_YOU_GO, TIERED):
        portal = client.portal.create_token(customer_external_id=sale.lookup_id)
        [invoice] = client.customers.list_invoices(sale.lookup_id)
        page = client.invoices.create_link(str(invoice.id))
        yield f"Invoice of ${sale.total}", page.url
        yield f"Portal of {sale.lookup_id}", portal.url


@contextmanager
def progress_bar(console: Console, total: int) -> Iterator[Callable[[int], None]]:
    """Show how many events were acknowledged and how many a second."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    began = time.monotonic()
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("events", total=total, rate="")
        done = 0

        def advance(count: int) -> None:
            nonlocal done
            done += count
            rate = f"{done / (time.monotonic() - began):,.0f} events/s"
            progress.update(task, advance=count, rate=rate)

        yield advance
