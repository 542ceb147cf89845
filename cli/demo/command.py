"""``fluxrate demo``: from nothing to two issued invoices, as a customer of the API sees it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fluxrate_client import Fluxrate, FluxrateError
from httpx2 import Client
from rich.console import Console
from rich.table import Table

from cli.demo.sales import (
    PAY_AS_YOU_GO,
    TIERED,
    Sale,
    make_meter,
    make_plan,
    pages_made,
    read_invoice,
    send_calls,
    subscribe,
)
from cli.local.commands import (
    StopAsked,
    claim_or_refuse,
    ignore_signals,
    show_addresses,
    show_link,
    stop_on_signals,
)
from cli.local.instance import Addresses, Instance
from cli.local.stack import Stack
from cli.output import Refusal, make_console, refuse
from runtime.embedded.processes import ProcessFailure, choose_port
from runtime.settings import Settings
from services.accounts.sign_up_policy import SignUpPolicy

MARKER = "made-by-demo"
"""A file that says: what lies here may be deleted by the next demo."""

END_OF_JANUARY = "2025-01-31T23:59:59Z"
AFTER_GRACE = "2025-02-01T01:00:00Z"
CLOSE_TIMEOUT_SECONDS = 180
"""Long enough for a machine that reads every module for the first time, beside other work."""
LOGIN = {"email": "ops@lumenworks.test", "password": "correct-horse-9"}
REQUEST_TIMEOUT_SECONDS = 60
KEPT_PORT = 8000
"""Where the documentation's examples look for the API, if nobody else has it."""


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


def demo(data_dir: Path | None, *, keep: bool = False) -> int:
    """Run the demo on servers of its own and stop them, at once or when asked; the exit code.

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
        port=choose_port(KEPT_PORT if keep else 0),
        api_processes=1,
        worker_processes=1,
    )
    try:
        with stop_on_signals():
            return tell(Story(console), stack, keep=keep)
    except StopAsked:
        console.print("Stopping.")
        return 0 if keep else 1
    except (ProcessFailure, Refusal, FluxrateError) as failure:
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


def tell(story: Story, stack: Stack, *, keep: bool) -> int:
    """The whole story; returns the exit code."""
    with story.step(
        "Start", "PostgreSQL, Temporal, the API and a worker; a port that is taken is replaced."
    ):
        addresses = stack.start(lambda _line: None)
    story.console.print(
        f"    Docs: {addresses.docs_url}   Temporal UI: {addresses.temporal_ui_url}"
    )
    http = Client(timeout=REQUEST_TIMEOUT_SECONDS, trust_env=False)
    client = Fluxrate(addresses.host_url, http=http)
    with story.step("Sign up", "an organization owns everything that follows; cookies sign us in."):
        sign_up(client)
    with story.step(
        "Make an API key", "the backend that sends usage needs one, and only for that."
    ):
        key = client.api_keys.create(name="Backend", scopes=["usage.write"]).key
    backend_http = Client(timeout=REQUEST_TIMEOUT_SECONDS, trust_env=False)
    backend = Fluxrate(addresses.host_url, api_key=key, http=backend_http)
    sell(story, client, backend, PAY_AS_YOU_GO)
    story.console.print("\nThe same again, with the tier table of the documentation:\n")
    sell(story, client, backend, TIERED)
    if keep:
        go_on(story.console, stack, addresses, client)
    http.close()
    backend_http.close()
    with story.step("Stop", "everything that was started ends; the numbers stay exact."):
        stack.stop()
    story.console.print(story.summary())
    return 0


def go_on(console: Console, stack: Stack, addresses: Addresses, client: Fluxrate) -> None:
    """What was made can be looked at until somebody asks to stop. Raises StopAsked."""
    show_addresses(console, addresses, stack.instance)
    for name, value in (*LOGIN.items(), *pages_made(client)):
        show_link(console, name.capitalize(), value)
    console.print(
        "It goes on running; Ctrl-C stops it, or, from another terminal, "
        f"`fluxrate down --data-dir {stack.instance.data_dir}`. What was made stays in "
        f"{stack.instance.data_dir}: `fluxrate up --data-dir {stack.instance.data_dir}` goes on "
        "with it, the next demo deletes it.",
        soft_wrap=True,
    )
    stack.watch(console.print, until=lambda: False)


def sign_up(client: Fluxrate) -> None:
    """The client is signed in as the owner of a new organization."""
    client.auth.sign_up(**LOGIN, organization_name="Lumen Works")


def sell(story: Story, client: Fluxrate, backend: Fluxrate, sale: Sale) -> None:
    """A customer subscribes, uses, and is billed what the sale says.

    Raises:
        FluxrateError: the API refused something.
        Refusal: events were rejected, or the invoice is not the expected one.
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
        client.test_clocks.advance_and_wait(clock_id, END_OF_JANUARY, timeout=CLOSE_TIMEOUT_SECONDS)
    with story.step(f"Send {sale.calls:,} calls", "one event each, in batches of 10,000."):
        send_calls(story.console, backend, sale)
    with story.step("Move past the grace hour", "the period closes, is priced, and is finalized."):
        client.test_clocks.advance_and_wait(clock_id, AFTER_GRACE, timeout=CLOSE_TIMEOUT_SECONDS)
    with story.step("Read the invoice", "GET /invoices/{id}/text"):
        text = read_invoice(client, sale, customer_id)
    story.console.print(f"\n{text}\n", markup=False)
