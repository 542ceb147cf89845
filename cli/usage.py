"""``fluxrate usage``: roll-ups proved against raw events, or written anew from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from repositories.transactions import Transactions
    from services.usage.rollups import RollupVerdict

app = typer.Typer(help="Prove or rebuild hourly roll-ups.", no_args_is_help=True)

MOST_LISTED = 20
"""Of several organizations of which one is to be named."""
DataDirectory = Annotated[
    Path | None,
    typer.Option(help="The instance whose database is meant, unless DATABASE_URL is set."),
]
OrganizationOption = Annotated[
    UUID | None, typer.Option("--organization", help="Only this organization. Default: all.")
]


@app.command()
def verify(organization: OrganizationOption = None, data_dir: DataDirectory = None) -> None:
    """Compare every roll-up with the events it stands for. Exit code 1 if one differs."""
    from cli.output import make_console
    from services.usage.rollups import verify_rollups

    console = make_console()
    failed = False
    with open_database(data_dir) as transactions:
        for organization_id in walk(console, transactions, organization, "Verifying"):
            with transactions.for_organization(organization_id) as session:
                verdict = verify_rollups(session, organization_id)
            show_verdict(console, organization_id, verdict)
            failed = failed or not verdict.is_equal
    if failed:
        console.print("Roll-ups differ from their events: `fluxrate usage rebuild` corrects them.")
    raise typer.Exit(1 if failed else 0)


@app.command()
def rebuild(organization: OrganizationOption = None, data_dir: DataDirectory = None) -> None:
    """Write every roll-up anew from raw events. An organization's events wait meanwhile."""
    from cli.output import make_console
    from services.usage.rollups import rebuild_rollups

    console = make_console()
    with open_database(data_dir) as transactions:
        for organization_id in walk(console, transactions, organization, "Rebuilding"):
            with transactions.for_organization(organization_id) as session:
                count = rebuild_rollups(session, organization_id)
            console.print(f"{organization_id}: {count:,} roll-ups written.")


@contextmanager
def open_database(data_dir: Path | None) -> Iterator[Transactions]:
    """Transactions on the operator's database, or on that of a running instance.

    Raises:
        Refusal: there is neither, it does not accept connections, or its schema is of another
            version.
    """
    from cli.requirements import require_database, require_schema
    from repositories.transactions import Transactions
    from runtime.database.engine import create_application_engine
    from services.audit_log import ACTOR, OPERATOR

    url = find_database(data_dir)
    require_database(url)
    engine = create_application_engine(url, pool_size=1)
    try:
        transactions = Transactions(engine, {ACTOR: OPERATOR})
        require_schema(transactions)
        yield transactions
    finally:
        engine.dispose()


def find_database(data_dir: Path | None) -> str:
    """The address of the database that is meant. Raises Refusal if none is."""
    from cli.local.instance import Instance
    from cli.output import refuse
    from runtime.settings import Settings

    settings = Settings()
    if settings.database_url and data_dir is None:
        return settings.database_url
    instance = Instance((data_dir or settings.data_dir).absolute())
    addresses = instance.addresses()
    if addresses is None or "postgres" not in instance.running():
        refuse(
            f"Nothing runs from {instance.data_dir}. Start it with `fluxrate up`,"
            " or set DATABASE_URL."
        )
    return addresses.database_url


def walk(
    console: Console, transactions: Transactions, organization: UUID | None, verb: str
) -> Iterator[UUID]:
    """The organizations that are meant, with a progress bar, once all events were looked at."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from services.usage.rollups import look_at_events

    organizations = list_organizations(transactions, organization)
    looking = console.status("Looking at how events are spread")
    with looking, transactions.for_organizations([]) as session:
        look_at_events(session)
    columns = (TextColumn(verb), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        yield from progress.track(organizations)


def list_organizations(transactions: Transactions, organization: UUID | None) -> Sequence[UUID]:
    """All organizations, or the one that is named. Raises Refusal if it does not exist."""
    from cli.output import refuse
    from repositories.accounts.organizations import list_directory

    with transactions.for_organizations([]) as session:
        known = list_directory(session)
    if organization is None:
        return known
    if organization not in known:
        refuse(f"There is no organization {organization}.")
    return [organization]


def find_organization(transactions: Transactions, organization: UUID | None) -> UUID:
    """The organization that is meant. Raises Refusal unless it is named, or there is one alone."""
    from cli.output import refuse

    found = list_organizations(transactions, organization)
    if not found:
        refuse("There is no organization yet.")
    if len(found) > 1:
        listed = "\n".join(_describe(transactions, found[-MOST_LISTED:]))
        newest = f", of which these are the newest {MOST_LISTED}" * (len(found) > MOST_LISTED)
        refuse(
            f"There are {len(found):,} organizations{newest}: name one by --organization.\n{listed}"
        )
    return found[0]


def _describe(transactions: Transactions, found: Sequence[UUID]) -> list[str]:
    """A line for each, with its id and its name."""
    from repositories.accounts.organizations import get_organization

    with transactions.for_organizations(found) as session:
        return [f"{one}  {get_organization(session, one).name}" for one in found]


def show_verdict(console: Console, organization_id: UUID, verdict: RollupVerdict) -> None:
    """One line per organization, and a table of the hours that differ."""
    from rich.table import Table

    if verdict.is_equal:
        console.print(
            f"{organization_id}: {verdict.rollup_count:,} roll-ups of {verdict.event_count:,}"
            " events are equal to the last digit."
        )
        return
    table = Table("Meter", "Customer", "Hour", "What", "Stored", "Recomputed")
    table.title = f"{organization_id}: first {len(verdict.differences)} differences"
    for one in verdict.differences:
        table.add_row(
            str(one.meter_id),
            str(one.customer_id),
            one.hour.isoformat(),
            one.kind,
            one.stored or "nothing",
            one.recomputed or "nothing",
        )
    console.print(table)
