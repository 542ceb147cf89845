"""``fluxrate events import``: a file of usage events, sent through the API, resumable."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from httpx2 import Client, Response
    from rich.console import Console

    from cli.event_files import EventFile, NumberedRow

app = typer.Typer(help="Bring usage events in.", no_args_is_help=True)

BATCH_ROWS = 5_000
DEADLINE_SECONDS = 120.0
LONGEST_PAUSE_SECONDS = 10.0
BUSY = (429, 503)


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
) -> None:
    """Send every event of a file. Interrupted, it goes on where it was; repeated, nothing doubles.

    Rejected rows are written to FILE.rejected.ndjson with their reasons; exit code 1 if there are
    any.
    """
    from httpx2 import Client

    from cli.event_files import open_events
    from cli.output import make_console

    console = make_console()
    source = open_events(file)
    journal = Journal(source)
    journal.open(console)
    headers = {"X-API-Key": api_key, "Content-Type": "application/json"}
    with Client(base_url=find_api(api_url), timeout=60, trust_env=False, headers=headers) as client:
        send_all(console, client, source, journal)
    show_outcome(console, journal)
    raise typer.Exit(1 if journal.tally.rejected else 0)


@dataclass(slots=True)
class Tally:
    """How far an import has come. ``last_row`` counts in the file, from 1."""

    digest: str
    last_row: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    rejected_bytes: int = 0


class Journal:
    """What survives an interruption: how far it went, and the rows that were rejected."""

    def __init__(self, source: EventFile) -> None:
        self._progress = source.path.with_name(source.path.name + ".progress")
        self.rejected = source.path.with_name(source.path.name + ".rejected.ndjson")
        self.tally = Tally(source.digest)

    def open(self, console: Console) -> None:
        """Go on where an interrupted import of the same content was, else begin."""
        try:
            former = Tally(**json.loads(self._progress.read_text()))
        except (OSError, ValueError, TypeError):
            former = self.tally
        if former.digest == self.tally.digest and former.last_row:
            self.tally = former
            console.print(f"Going on after row {former.last_row:,}.")
        self.rejected.touch()
        # What was written after the last save is written again.
        os.truncate(self.rejected, min(self.tally.rejected_bytes, self.rejected.stat().st_size))

    def reject(self, row: NumberedRow, reason: dict[str, Any]) -> None:
        """Keep a row that was not taken, with the reason."""
        kept = {"row": row.number, "error": reason, "event": row.event or row.text}
        line = encode(kept) + b"\n"
        with self.rejected.open("ab") as file:
            file.write(line)
        self.tally.rejected += 1
        self.tally.rejected_bytes += len(line)

    def save(self, last_row: int) -> None:
        """Everything up to this row has been answered."""
        self.tally.last_row = last_row
        unfinished = self._progress.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(asdict(self.tally)))
        unfinished.rename(self._progress)

    def finish(self) -> None:
        """The whole file has been answered."""
        self._progress.unlink(missing_ok=True)
        if not self.tally.rejected:
            self.rejected.unlink(missing_ok=True)


def encode(content: object) -> bytes:
    """JSON in which decimals keep their digits."""
    from msgspec.json import Encoder

    return Encoder(decimal_format="number").encode(content)


def send_all(console: Console, client: Client, source: EventFile, journal: Journal) -> None:
    """Every row that was not answered yet is sent and answered."""
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
    )
    began, former = time.monotonic(), journal.tally.last_row
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("Importing", total=source.size)
        rows = (row for row in source.rows() if row.number > journal.tally.last_row)
        for batch in batches(rows):
            send(client, batch, journal)
            rate = (batch[-1].number - former) / (time.monotonic() - began)
            progress.update(
                bar, completed=batch[-1].bytes_read, description=f"{rate:,.0f} events/s"
            )
        progress.update(bar, completed=source.size)
    journal.finish()


def batches(rows: Iterable[NumberedRow]) -> Iterator[list[NumberedRow]]:
    """The rows by the batch."""
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH_ROWS)):
        yield batch


def send(client: Client, batch: list[NumberedRow], journal: Journal) -> None:
    """A batch is stored, and what was not is in the journal."""
    sent = [row for row in batch if row.problem is None]
    for row in batch:
        if row.problem is not None:
            journal.reject(row, {"code": "unreadable", "detail": row.problem})
    if sent:
        answer = post(client, encode([row.event for row in sent]))
        journal.tally.accepted += answer["accepted"]
        journal.tally.duplicates += answer["duplicates"]
        for result in answer["results"]:
            journal.reject(sent[result["index"]], result["error"])
    journal.save(batch[-1].number)


def post(client: Client, content: bytes) -> dict[str, Any]:
    """The answer to a batch, however often it takes while the service is busy or away.

    Raises:
        Refusal: it was refused as a whole, or the service stayed away for two minutes.
    """
    from httpx2 import TransportError

    from cli.output import refuse

    deadline, pause = time.monotonic() + DEADLINE_SECONDS, 0.5
    while True:
        trouble = "it does not answer"
        try:
            response = client.post("/usage/batch", params={"results": "errors"}, content=content)
            if response.is_success:
                return dict(response.json())
            trouble = f"{response.status_code} {response.text}"
            if response.status_code not in BUSY:
                refuse(f"The API refuses the import: {trouble}")
            pause = asked_pause(response, pause)
        except TransportError as error:
            trouble = f"{error}"
        if time.monotonic() + pause > deadline:
            refuse(f"The API is busy or away ({trouble}). Run the same command later to go on.")
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def asked_pause(response: Response, otherwise: float) -> float:
    """How long the service asks to wait."""
    asked = response.headers.get("retry-after", "")
    return float(asked) if asked.isdigit() else otherwise


def find_api(api_url: str | None) -> str:
    """The base address of the API. Raises Refusal if none is named and no instance runs."""
    from cli.instance import Instance
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


def show_outcome(console: Console, journal: Journal) -> None:
    """The figures of the whole import, interruptions included."""
    tally = journal.tally
    console.print(
        f"{tally.accepted:,} accepted, {tally.duplicates:,} known already,"
        f" {tally.rejected:,} rejected."
    )
    if tally.rejected:
        console.print(f"The rejected rows and their reasons are in {journal.rejected}.")
