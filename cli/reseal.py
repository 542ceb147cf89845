"""``fluxrate reseal``: every secret at rest comes under the key in force."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from rich.progress import Progress

from cli.output import make_console, refuse
from cli.requirements import require_database, require_schema
from repositories.accounts import organizations
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.exit import leave
from runtime.sealing import Sealer, sealer_of
from runtime.settings import Settings
from services.operations.sealed_secrets import Resealed
from services.operations.sealed_secrets import reseal as reseal_organization


def reseal() -> NoReturn:
    """Seal what earlier keys sealed by ``FLUXRATE_SECRET_KEY``; then leave.

    Harmless to repeat, to interrupt and beside running processes: each organization is a
    transaction. Exit code 1 if there is something that no key opens.
    """
    console = make_console()
    settings = Settings()
    sealer = sealer_of(settings)
    if sealer is None:
        refuse("Set FLUXRATE_SECRET_KEY, and the keys before it in FLUXRATE_PREVIOUS_SECRET_KEYS.")
    if not settings.database_url:
        refuse("Set DATABASE_URL to the database whose secrets are to be sealed again.")
    require_database(settings.database_url)
    transactions = Transactions(create_application_engine(settings.database_url))
    require_schema(transactions)
    with transactions.for_organizations([]) as session:
        count = len(organizations.list_directory(session))
    with Progress(console=console) as progress:
        bar = progress.add_task("Organizations", total=count)
        done = reseal_all(transactions, sealer, lambda: progress.advance(bar))
    console.print(f"{done.renewed:,} secrets came under the key in force.")
    if done.unreadable:
        console.print(
            f"{done.unreadable:,} are opened by none of the keys: name the key that sealed them in"
            " FLUXRATE_PREVIOUS_SECRET_KEYS, or replace them."
        )
    else:
        console.print("Nothing is left under an earlier key.")
    leave(1 if done.unreadable else 0)


def reseal_all(
    transactions: Transactions, sealer: Sealer, report: Callable[[], object]
) -> Resealed:
    """What became of the secrets of every organization, one after the other."""
    with transactions.for_organizations([]) as session:
        directory = organizations.list_directory(session)
    done = Resealed()
    for organization_id in directory:
        with transactions.for_organization(organization_id) as session:
            done += reseal_organization(session, organization_id, sealer)
        report()
    return done
