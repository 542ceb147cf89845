"""``fluxrate invoices`` and ``fluxrate regress``: issued invoices proved by their receipts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cli.usage import DataDirectory, OrganizationOption, list_organizations, open_database

if TYPE_CHECKING:
    from rich.console import Console

    from repositories.transactions import Transactions
    from services.receipts.flaws import Flaw

app = typer.Typer(help="Prove issued invoices.", no_args_is_help=True)

PAGE = 100
"""How many receipts are looked at in one transaction."""

All = Annotated[bool, typer.Option("--all", help="Every receipt of every organization.")]
Last = Annotated[int, typer.Option(min=1, help="How many receipts of each organization.")]
Files = Annotated[
    Path | None,
    typer.Option(
        "--files",
        exists=True,
        file_okay=False,
        help="A folder of NAME.receipt.json and NAME.events.ndjson, instead of a database.",
    ),
]


@app.callback()
def invoices() -> None:
    """Prove issued invoices."""


@app.command()
def verify(
    everything: All = False,
    organization: OrganizationOption = None,
    data_dir: DataDirectory = None,
) -> None:
    """Check chain, signatures, rows, events and amounts of all receipts. Exit code 1 if one is bad.

    Names every finding: a receipt or invoice that is gone, an amount, an event, a plan, a signature
    that is another.
    """
    from cli.output import make_console, refuse

    if not everything and organization is None:
        refuse("Say --all, or --organization and its id.")
    console = make_console()
    with open_database(data_dir) as transactions:
        ids = list_organizations(transactions, organization)
        raise typer.Exit(check_receipts(console, transactions, ids, last=None))


def regress(last: Last = 1000, files: Files = None, data_dir: DataDirectory = None) -> None:
    """Compute the newest receipts again by this version's code. Exit code 1 on any difference.

    The gate after an upgrade, and before one that leaves the schema as it is: what `fluxrate
    restore` does with a backup. Reads files of receipts as well.
    """
    from cli.output import make_console

    console = make_console()
    if files is not None:
        raise typer.Exit(_compare_files(console, files))
    with open_database(data_dir) as transactions:
        ids = list_organizations(transactions, None)
        raise typer.Exit(check_receipts(console, transactions, ids, last=last))


def check_receipts(
    console: Console, transactions: Transactions, ids: Sequence[UUID], *, last: int | None
) -> int:
    """The exit code: 1 if a receipt is bad. What is wrong is printed, one line each.

    ``last`` is how many receipts of each organization are looked at, None for all.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from services.invoicing.receipt_checks import find_end
    from services.usage.rollups import look_at_events

    with (
        console.status("Looking at how events are spread"),
        transactions.for_organizations([]) as session,
    ):
        look_at_events(session)
    sizes = {}
    for organization_id in ids:
        with transactions.for_organization(organization_id) as session:
            sizes[organization_id] = find_end(session, organization_id).sequence
    total = sum(size if last is None else min(size, last) for size in sizes.values())
    columns = (TextColumn("Receipts"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    checked = found = 0
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("Receipts", total=total)
        for organization_id, size in sizes.items():
            skipped = 0 if last is None else max(0, size - last)
            for count, flaws in _pages(transactions, organization_id, skipped):
                progress.advance(bar, count)
                checked += count
                found += len(flaws)
                for flaw in flaws:
                    console.print(_sentence(organization_id, flaw), soft_wrap=True, markup=False)
    verdict = "all are equal" if found == 0 else f"{found:,} findings"
    console.print(f"{checked:,} receipts of {len(ids):,} organizations: {verdict}.")
    return 1 if found else 0


def _pages(
    transactions: Transactions, organization_id: UUID, skipped: int
) -> Iterator[tuple[int, Sequence[Flaw]]]:
    """How many receipts were looked at in a transaction, and what is wrong with them."""
    from services.invoicing.receipt_checks import check_end, check_page, find_end, find_place

    with transactions.for_organization(organization_id) as session:
        place = find_place(session, organization_id, skipped)
    while True:
        with transactions.for_organization(organization_id) as session:
            end = find_end(session, organization_id)
            page = check_page(session, organization_id, place, limit=PAGE)
            place = page.place
            is_last = page.count < PAGE
            ends = check_end(session, organization_id, place, end) if is_last else []
        yield page.count, [*page.flaws, *ends]
        if is_last:
            return


def _compare_files(console: Console, folder: Path) -> int:
    from services.invoicing.regressions import ReceiptFile, differences

    receipts = sorted(folder.glob("*.receipt.json"))
    found = 0
    for path in receipts:
        events = path.with_name(path.name.replace(".receipt.json", ".events.ndjson"))
        for sentence in differences(ReceiptFile.parse(path.read_bytes(), events.read_bytes())):
            found += 1
            console.print(f"{path.name}: {sentence}", soft_wrap=True, markup=False)
    verdict = "all are equal" if found == 0 else f"{found:,} differences"
    console.print(f"{len(receipts):,} receipts of {folder}: {verdict}.")
    return 1 if found or not receipts else 0


def _sentence(organization_id: UUID, flaw: Flaw) -> str:
    where = flaw.invoice_number or (f"receipt {flaw.sequence}" if flaw.sequence else "the chain")
    return f"{organization_id} {where}: {flaw.fault}: {flaw.detail}"
