"""``fluxrate rebuild``: every subscription has its owner again, whatever Temporal has lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NoReturn

from rich.progress import Progress

from cli.output import make_console
from cli.requirements import require_database, require_servers, require_temporal
from repositories.accounts import organizations
from repositories.transactions import Transactions
from runtime.database import create_application_engine
from runtime.exit import leave
from runtime.settings import Settings
from runtime.subscription_workflows import TemporalOwners
from runtime.temporal import connect
from services.operations.coverage import list_owned
from services.operations.outbox import OwnerMessage

BATCH = 500


def rebuild() -> NoReturn:
    """Tell the owner of every subscription that has something left to do, or start it; then leave.

    Harmless to repeat and beside running workers: PostgreSQL says what is done, so no period is
    billed a second time. Exit code 1 if an owner was not reached.
    """
    console = make_console()
    settings = Settings()
    database_url, temporal_address = require_servers(settings, "Rebuilding")
    require_database(database_url)
    require_temporal(temporal_address)
    messages = list_messages(Transactions(create_application_engine(database_url)))
    with Progress(console=console) as progress:
        bar = progress.add_task("Owners", total=len(messages))
        reached = asyncio.run(
            tell_owners(settings, temporal_address, messages, lambda n: progress.advance(bar, n))
        )
    console.print(f"{reached:,} of {len(messages):,} subscriptions have their owner.")
    leave(0 if reached == len(messages) else 1)


def list_messages(transactions: Transactions) -> list[OwnerMessage]:
    """One message for every subscription of every organization that needs an owner."""
    with transactions.for_organizations([]) as session:
        directory = organizations.list_directory(session)
    messages: list[OwnerMessage] = []
    for organization_id in directory:
        with transactions.for_organization(organization_id) as session:
            messages += [
                OwnerMessage(organization_id=organization_id, subscription_id=subscription_id)
                for subscription_id in list_owned(session, organization_id)
            ]
    return messages


async def tell_owners(
    settings: Settings,
    temporal_address: str,
    messages: Sequence[OwnerMessage],
    report: Callable[[int], None],
) -> int:
    """How many owners were reached, in batches."""
    client = await connect(temporal_address, namespace=settings.temporal_namespace)
    owners = TemporalOwners(client, task_queue=settings.task_queue)
    reached = 0
    for start in range(0, len(messages), BATCH):
        batch = messages[start : start + BATCH]
        reached += sum(await owners.tell_all(batch))
        report(len(batch))
    return reached
