"""``fluxrate demo``: from nothing to two issued invoices, as a customer of the API sees it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cli.api_client import ApiClient
from cli.instance import Addresses, Instance
from cli.output import Refusal, make_console, refuse
from cli.stack import Stack
from cli.up import StopAsked, claim_or_refuse, ignore_signals, stop_on_signals
from runtime.processes import ProcessFailure
from runtime.settings import Settings
from services.accounts.sign_up_policy import SignUpPolicy

MARKER = "made-by-demo"
"""A file that says: what lies here may be deleted by the next demo."""

BATCH_ROWS = 10_000
JANUARY = datetime(2025, 1, 1, tzinfo=UTC)
END_OF_JANUARY = "2025-01-31T23:59:59Z"
AFTER_GRACE = "2025-02-01T01:00:00Z"
CLOSE_TIMEOUT_SECONDS = 60

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


@dataclass(slots=True)
class Story:
    """Tells each step before it happens, and remembers how long it took."""

    console: Console
    steps: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def step(self, title: str, why: str) -> Iterator[None]:
        """Announce a step in one line and time it."""
        self.console.print(f"[bold]{len(self.steps) + 1:>2}. {title}[/bold] – {why}")
        began = time.monotonic()
        yield
        self.steps.append((title, time.monotonic() - began))

    def summary(self) -> Table:
        """How long each step took."""
        table = Table("Step", "Seconds", title="How long it took")
        table.columns[1].justify = "right"
        for title, seconds in self.steps:
            table.add_row(title, f"{seconds:.1f}")
        table.add_row("[bold]Together[/bold]", f"{sum(s for _, s in self.steps):.1f}")
        return table


def demo(data_dir: Path | None) -> int:
    """Run the demo on servers of its own and stop them; return the exit code.

    It never touches a database or a Temporal that the environment names.
    """
    console = make_console()
    settings = Settings()
    instance = Instance((data_dir or settings.data_dir / "demo").absolute())
    claim_or_refuse(instance)
    start_afresh(instance)
    own = settings.model_copy(update={"database_url": None, "temporal_address": None})
    stack = Stack(
        instance=instance,
        settings=own.model_copy(
            update={"migration_database_url": None, "signup": SignUpPolicy.OPEN}
        ),
        port=0,
    )
    try:
        with stop_on_signals():
            return tell(Story(console), stack)
    except StopAsked:
        console.print("Stopping.")
        return 1
    except (ProcessFailure, Refusal) as failure:
        console.print(f"The demo failed: {failure}", markup=False)
        console.print(f"Its logs are in {instance.data_dir / 'logs'}.")
        return 1
    finally:
        ignore_signals()
        stack.stop()


def start_afresh(instance: Instance) -> None:
    """Nothing is left of an earlier demo, so that this one repeats it exactly.

    Raises:
        Refusal: the directory holds something that no demo made.
    """
    marker = instance.data_dir / MARKER
    content = [path for path in instance.data_dir.iterdir() if path.suffix != ".pid"]
    if content and not marker.exists():
        refuse(
            f"{instance.data_dir} is not empty and was not made by a demo, which would delete it. "
            "Give the demo a --data-dir of its own."
        )
    instance.stop_everything()
    for path in content:
        if path.is_dir():
            shutil.rmtree(path)
        elif path != marker:
            path.unlink()
    marker.touch()


def tell(story: Story, stack: Stack) -> int:
    """The whole story; returns the exit code."""
    with story.step("Start", "PostgreSQL, Temporal, the API and a worker, on free ports."):
        addresses = stack.start(lambda _line: None)
    show_addresses(story.console, addresses)
    client = ApiClient(addresses.api_url)
    with story.step("Sign up", "an organization owns everything that follows; cookies sign us in."):
        sign_up(client)
    with story.step(
        "Make an API key", "the backend that sends usage needs one, and only for that."
    ):
        key = client.post("/api-keys", {"name": "Backend", "scopes": ["usage.write"]})["key"]
    sell(story, client, PAY_AS_YOU_GO, key)
    story.console.print("\nThe same again, with the tier table of the documentation:\n")
    sell(story, client, TIERED, key)
    client.close()
    with story.step("Stop", "everything that was started ends; the numbers stay exact."):
        stack.stop()
    story.console.print(story.summary())
    return 0


def show_addresses(console: Console, addresses: Addresses) -> None:
    """While the demo runs, its API and its workflows can be looked at."""
    console.print(f"    Docs: {addresses.docs_url}   Temporal UI: {addresses.temporal_ui_url}")


def sign_up(client: ApiClient) -> None:
    """The client is signed in as the owner of a new organization."""
    client.post(
        "/auth/signup",
        {
            "email": "ops@lumenworks.test",
            "password": "correct-horse-9",
            "organization_name": "Lumen Works",
        },
    )


def sell(story: Story, client: ApiClient, sale: Sale, api_key: str) -> None:
    """A customer subscribes, uses, and is billed what the sale says.

    Raises:
        Refusal: the API refused something, or the invoice is not the expected one.
    """
    with story.step("Define the meter", "it adds up the property `calls` of every event."):
        meter_id = make_meter(client, sale)
    with story.step(
        f"Define the plan `{sale.lookup_id}`", "monthly, in USD, priced by that meter."
    ):
        plan_id = make_plan(client, sale, meter_id)
    with story.step("Subscribe a customer", "from 2025-01-01, on a test clock: time is ours."):
        clock_id, customer_id = subscribe(client, sale, plan_id)
    with story.step("Move to the end of January", "events may not lie in the customer's future."):
        client.advance_clock(clock_id, END_OF_JANUARY, timeout_seconds=CLOSE_TIMEOUT_SECONDS)
    with story.step(f"Send {sale.calls:,} calls", "one event each, in batches of 10,000."):
        send_calls(story.console, client, sale, api_key)
    with story.step("Move past the grace hour", "the period closes, is priced, and is finalized."):
        client.advance_clock(clock_id, AFTER_GRACE, timeout_seconds=CLOSE_TIMEOUT_SECONDS)
    with story.step("Read the invoice", "GET /invoices/{id}/text"):
        text = read_invoice(client, sale, customer_id)
    story.console.print(f"\n{text}\n", markup=False)


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
