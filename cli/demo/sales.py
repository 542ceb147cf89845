"""What the demo sells, how it is used, and what the invoice must say."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.demo.api_client import ApiClient
from cli.output import refuse

BATCH_ROWS = 10_000
JANUARY = datetime(2025, 1, 1, tzinfo=UTC)
TIERS: Mapping[str, Any] = {
    "model": "graduated",
    "tiers": [
        {"up_to": 1000, "unit_price": "0.002"},
        {"up_to": 10000, "unit_price": "0.001"},
        {"up_to": None, "unit_price": "0.0005"},
    ],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sale:
    """What one of the demo's customers buys, uses and must be billed."""

    lookup_id: str
    plan_name: str
    meter_name: str
    charge: Mapping[str, Any]
    rules: Mapping[str, Any] | None
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


def make_meter(client: ApiClient, sale: Sale) -> str:
    """The id of a new meter; its rules are set when the sale is priced by tiers."""
    feature = client.post(
        "/features",
        {
            "name": "API Calls",
            "lookup_key": sale.meter_name,
            "type": "meter",
            "meter_name": sale.meter_name,
            "property_name": "calls",
            "aggregation_type": "SUM",
            "unit": "calls",
        },
    )
    meter_id = str(feature["meter_id"])
    if sale.rules is not None:
        client.patch(f"/meters/{meter_id}", {"usage_pricing_rules": sale.rules})
    return meter_id


def make_plan(client: ApiClient, sale: Sale, meter_id: str) -> str:
    """The id of a new monthly plan with one usage charge."""
    plan = client.post(
        "/plans",
        {
            "name": sale.plan_name,
            "lookup_id": sale.lookup_id,
            "type": "USAGE",
            "billing_interval": "month",
            "currency": "USD",
        },
    )
    charge = {"type": "USAGE", "meter_id": meter_id, **sale.charge}
    client.post(f"/plans/{plan['id']}/charges", charge)
    return str(plan["id"])


def subscribe(client: ApiClient, sale: Sale, plan_id: str) -> tuple[str, str]:
    """Ids of a new test clock and of the customer who lives on it, subscribed."""
    start = instant(JANUARY)
    clock = client.post("/test-clocks", {"name": sale.plan_name, "frozen_time": start})
    customer = client.post(
        "/customers",
        {
            "name": "Harbor Labs",
            "email": f"{sale.lookup_id}@harbor.test",
            "external_id": sale.lookup_id,
            "test_clock_id": clock["id"],
        },
    )
    client.post(
        "/subscriptions",
        {
            "customer_id": customer["id"],
            "plan_id": plan_id,
            "billing_interval": "month",
            "start_date": start,
        },
    )
    return str(clock["id"]), str(customer["id"])


def send_calls(console: Console, client: ApiClient, sale: Sale, api_key: str) -> None:
    """Every call is stored, once.

    Raises:
        Refusal: a row was rejected.
    """
    with progress_bar(console, sale.calls) as advance:
        for first in range(0, sale.calls, BATCH_ROWS):
            rows = [call(sale, n) for n in range(first, min(first + BATCH_ROWS, sale.calls))]
            answer = client.send_events(rows, api_key=api_key)
            if answer["accepted"] != len(rows):
                refuse(f"The API rejected events: {answer['results'][:3]}")
            advance(len(rows))


def call(sale: Sale, number: int) -> dict[str, Any]:
    """One API call of January; the calls are spread evenly over the month."""
    into_month = timedelta(days=31) * number / sale.calls
    return {
        "customer_external_id": sale.lookup_id,
        "meter_name": sale.meter_name,
        "timestamp": instant(JANUARY + into_month),
        "idempotency_key": f"{sale.lookup_id}-{number}",
        "properties": {"calls": 1},
    }


def read_invoice(client: ApiClient, sale: Sale, customer_id: str) -> str:
    """The text of the customer's one invoice, and below it its state.

    Raises:
        Refusal: there is not exactly one, or it is not open, or its total is wrong.
    """
    invoices = client.get("/invoices", customer_id=customer_id)["data"]
    found = [(invoice["status"], invoice["total"]) for invoice in invoices]
    if [(status, Decimal(total)) for status, total in found] != [("OPEN", sale.total)]:
        refuse(f"Expected one OPEN invoice of {sale.total}, found {found}.")
    invoice = invoices[0]
    text = client.get_text(f"/invoices/{invoice['id']}/text").rstrip()
    return f"{text}\n\nStatus: {invoice['status']}, due {invoice['due_date'][:10]}"


def pages_made(client: ApiClient) -> Iterator[tuple[str, str]]:
    """The pages that the demo's customers have: their portals, for an hour, and their invoices."""
    for sale in (PAY_AS_YOU_GO, TIERED):
        portal = client.post("/widget/token", {"customer_external_id": sale.lookup_id})
        customer = client.get(f"/customers/{sale.lookup_id}")
        [invoice] = client.get("/invoices", customer_id=customer["id"])["data"]
        page = client.post(f"/invoices/{invoice['id']}/generate-token", {})
        yield f"Invoice of ${sale.total}", page["url"]
        yield f"Portal of {sale.lookup_id}", portal["url"]


def instant(at: datetime) -> str:
    """The instant as the API writes it."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


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
