"""``fluxrate events import``: a file of usage events, sent through the API, resumable."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from httpx2 import Client
    from rich.console import Console
    from rich.progress import Progress

    from cli.events.files import EventFile
    from cli.events.journal import Journal, Tally

app = typer.Typer(help="Bring usage events in.", no_args_is_help=True)


@app.callback()
def events() -> None:
    """Bring usage events in."""


@app.command(name="import")
def import_events(
    file: Annotated[Path, typer.Argument(help="CSV or NDJSON, plain or gzip.")],
    api_key: Annotated[
        str, typer.Option(envvar="FLUXRATE_API_KEY", help="A key with the scope usage.write.")
    ],
    api_url: Annotated[
        str | None, typer.Option(help="Where the API is. Default: the running instance.")
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            help="The zone of timestamps that name none, such as Europe/Berlin."
            " Without it those rows are rejected."
        ),
    ] = None,
    create_customers: Annotated[
        bool,
        typer.Option(
            "--create-customers",
            help="Create customers of unknown external ids. Without it those rows are rejected.",
        ),
    ] = False,
) -> None:
    """Send every event of a file. Interrupted, it goes on where it was; repeated, nothing doubles.

    A corrected or longer file can be imported again: only what is new is added. Rejected rows are
    written beside FILE with their reasons, as a file that can be mended and imported; exit code 1
    if there are any.
    """
    from cli.events.journal import Journal
    from cli.output import make_console

    require_zone(timezone)
    console = make_console()
    with open_client(find_api(api_url), api_key, create_customers=create_customers) as client:
        source = fingerprint(console, file)
        journal = Journal(source, reading=timezone or "")
        run_import(console, client, source, journal, timezone)
    show_outcome(console, journal, create_customers=create_customers)
    raise typer.Exit(1 if journal.tally.rejected else 0)


def open_client(api_url: str, api_key: str, *, create_customers: bool) -> Client:
    """A client whose requests have the key, and want the errors of a batch only."""
    from httpx2 import Client

    return Client(
        base_url=api_url,
        timeout=60,
        trust_env=False,
        headers={"X-API-Key": api_key, "Content-Type": "application/json"},
        params={"results": "errors", "create_customers": str(create_customers).lower()},
    )


def require_zone(timezone: str | None) -> None:
    """Return if it names a zone, or nothing at all. Raises Refusal."""
    from billing.errors import InvalidInput
    from billing.periods import find_zone
    from cli.output import refuse

    if timezone is None:
        return
    try:
        find_zone(timezone)
    except InvalidInput as error:
        refuse(f"--timezone: {error.detail} Name one such as Europe/Berlin or UTC.")


def find_api(api_url: str | None) -> str:
    """The base address of the API. Raises Refusal if none is named and no instance runs."""
    from cli.local.instance import Instance
    from cli.output import refuse
    from runtime.settings import Settings

    if api_url is not None:
        base = api_url.rstrip("/")
        return base if base.endswith("/api/v1") else f"{base}/api/v1"
    instance = Instance(Settings().data_dir.absolute())
    addresses = instance.addresses()
    if addresses is None or "api" not in instance.running():
        refuse("No instance runs here. Name the API with --api-url.")
    return addresses.api_url


def fingerprint(console: Console, file: Path) -> EventFile:
    """The file with the digest of its content. Raises Refusal if it cannot be read."""
    from cli.events.files import open_events

    with show_progress(console) as progress:
        bar = progress.add_task("Reading", total=file.stat().st_size if file.is_file() else None)
        source = open_events(file, lambda count: progress.advance(bar, count))
        progress.remove_task(bar)
    return source


def run_import(
    console: Console, client: Client, source: EventFile, journal: Journal, timezone: str | None
) -> None:
    """Every row that was not answered yet is sent and answered. Raises Refusal."""
    from cli.events.sending import send_all

    former = journal.open()
    if former:
        console.print(f"Going on after row {former:,}.")
    with show_progress(console) as progress:
        bar = progress.add_task("Importing", total=source.size)

        def watch(bytes_read: int, rate: float) -> None:
            progress.update(bar, completed=bytes_read, description=f"{rate:,.0f} events/s")

        send_all(client, source, journal, timezone=timezone, watch=watch)
        progress.update(bar, completed=source.size)


def show_progress(console: Console) -> Progress:
    """A bar of the bytes that were read."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console)


def show_outcome(console: Console, journal: Journal, *, create_customers: bool) -> None:
    """The figures of the whole import, interruptions included, and what to do next."""
    tally = journal.tally
    console.print(
        f"{tally.accepted:,} accepted, {tally.duplicates:,} known already,"
        f" {tally.rejected:,} rejected."
    )
    if tally.undated_count and tally.duplicates:
        console.print(
            f"{tally.undated_count:,} rows have neither a timestamp nor an idempotency_key. Where"
            " such a row was imported before, it counts once: give the rows of another day one"
            " of both."
        )
    if tally.rejected:
        show_rejected(console, tally, create_customers=create_customers)
        console.print(
            f"The rejected rows and their reasons are in {journal.rejected}. Mend them there or"
            " in the file itself, and import that: nothing doubles."
        )


def show_rejected(console: Console, tally: Tally, *, create_customers: bool) -> None:
    """How many rows were rejected why, and what helps."""
    customers = (
        "Create the customers first: their organization creates none by itself"
        " (auto_create_customers)."
        if create_customers
        else "Correct their names, or let --create-customers create them."
    )
    advice = {
        "customer_not_found": customers,
        "meter_not_found": "Create the meters first, or correct their names.",
        "timestamp_without_zone": "Name their zone with --timezone, such as Europe/Berlin.",
    }
    for code, count in sorted(tally.reasons.items(), key=lambda one: (-one[1], one[0])):
        console.print(f"  {count:,} {code}. {advice.get(code, '')}".rstrip())
