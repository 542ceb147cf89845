"""``fluxrate books``: the journal of an organization, for bookkeeping programs and spreadsheets."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO
from uuid import UUID

import typer

from billing.books.formats import JournalFormat
from cli.usage import DataDirectory, find_organization, open_database

if TYPE_CHECKING:
    from repositories.transactions import Transactions
    from services.books.journal import JournalRange

app = typer.Typer(help="Export the books.", no_args_is_help=True)

DAY = ["%Y-%m-%d"]
FirstDay = Annotated[
    datetime | None, typer.Option("--from", formats=DAY, help="The first day. Default: all.")
]
LastDay = Annotated[
    datetime | None, typer.Option("--to", formats=DAY, help="The last day, included. Default: all.")
]
Language = Annotated[JournalFormat, typer.Option("--format", help="What the journal is for.")]
Whose = Annotated[
    UUID | None,
    typer.Option("--organization", help="Whose books. Not needed where there is only one."),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", dir_okay=False, help="A file, written whole or not at all. Default: here."
    ),
]


@app.callback()
def books() -> None:
    """Export the books."""


@app.command()
def journal(
    *,
    language: Language = JournalFormat.CSV,
    first_day: FirstDay = None,
    last_day: LastDay = None,
    organization: Whose = None,
    output: Output = None,
    data_dir: DataDirectory = None,
) -> None:
    """Write all that was billed, given back, paid and written off, in double entry.

    Days are those of the organization's time zone. How far it has come is shown on a terminal.
    """
    from billing.errors import InvalidInput
    from cli.output import open_output, refuse
    from services.books.journal import find_range

    with open_database(data_dir) as transactions:
        organization_id = find_organization(transactions, organization)
        try:
            with transactions.for_organization(organization_id) as session:
                part = find_range(session, organization_id, _day(first_day), _day(last_day))
        except InvalidInput as invalid:
            refuse(invalid.detail.replace("`to`", "--to").replace("`from`", "--from"))
        with open_output(output) as file:
            _write(file, transactions, organization_id, part, language)


def _day(at: datetime | None) -> date | None:
    return None if at is None else at.date()


def _write(
    file: TextIO,
    transactions: Transactions,
    organization_id: UUID,
    part: JournalRange,
    language: JournalFormat,
) -> None:
    """The journal, read in pages: none holds a transaction while it is written."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from billing.books.formats import JournalWriter
    from services.books.journal import read_page

    writer = JournalWriter(language=language)
    file.write(writer.begin())
    rest: JournalRange | None = part
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    console = Console(stderr=True)
    # Progress is for people: nothing of it is in a log or in the journal.
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("Reading")
        written = 0
        while rest is not None:
            with transactions.for_organization(organization_id) as session:
                page = read_page(session, organization_id, rest)
            file.write(writer.write(page.entries))
            rest, written = page.rest, written + len(page.entries)
            if page.entries:
                through = page.entries[-1].matter.on
                progress.update(bar, description=f"{written:,} entries, through {through}")
    file.flush()
