"""``fluxrate rebuild``: whatever needs a workflow has it again, whatever Temporal has lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from rich.progress import Progress

from cli.local.instance import Instance
from cli.output import make_console, refuse
from cli.requirements import require_database, require_schema, require_servers, require_temporal
from repositories.accounts import organizations
from repositories.payments import collections
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.exit import leave
from runtime.settings import Settings
from runtime.subscription_workflows import SubscriptionWorkflows
from runtime.temporal import connect_by
from services.operations.coverage import list_unfinished
from services.operations.outbox import AnyMessage, CollectMessage, WakeMessage

BATCH = 500


def rebuild(data_dir: Path | None) -> NoReturn:
    """Wake, or start, the workflow of whatever has something left to do; then leave.

    Harmless to repeat and beside running workers: PostgreSQL says what is done, so no period is
    billed a second time. Exit code 1 if a workflow was not reached.
    """
    console = make_console()
    settings = Settings()
    database_url, temporal_address = _find_servers(settings, data_dir)
    require_database(database_url)
    transactions = Transactions(create_application_engine(database_url))
    require_schema(transactions)
    require_temporal(temporal_address)
    messages = list_messages(transactions)
    with Progress(console=console) as progress:
        bar = progress.add_task("Workflows", total=len(messages))
        reached = asyncio.run(
            wake_workflows(settings, temporal_address, messages, lambda n: progress.advance(bar, n))
        )
    console.print(f"{reached:,} of {len(messages):,} workflows run.")
    leave(0 if reached == len(messages) else 1)


def _find_servers(settings: Settings, data_dir: Path | None) -> tuple[str, str]:
    """Those of a running instance, or those that the environment names. Raises Refusal."""
    if data_dir is None and settings.database_url:
        return require_servers(settings, "Rebuilding")
    instance = Instance((data_dir or settings.data_dir).absolute())
    addresses = instance.addresses()
    if addresses is None or "temporal" not in instance.running():
        refuse(
            f"Nothing runs from {instance.data_dir}. Start it with `fluxrate up`,"
            " or set DATABASE_URL and TEMPORAL_ADDRESS."
        )
    return addresses.database_url, addresses.temporal_address


def list_messages(transactions: Transactions) -> list[AnyMessage]:
    """One message for every subscription and invoice of everybody that needs a workflow."""
    with transactions.for_organizations([]) as session:
        directory = organizations.list_directory(session)
    messages: list[AnyMessage] = []
    for organization_id in directory:
        with transactions.for_organization(organization_id) as session:
            messages += [
                WakeMessage(organization_id=organization_id, subscription_id=subscription_id)
                for subscription_id in list_unfinished(session, organization_id)
            ]
            messages += [
                CollectMessage(organization_id=organization_id, invoice_id=invoice_id)
                for invoice_id in collections.list_active(session, organization_id)
            ]
    return messages


async def wake_workflows(
    settings: Settings,
    temporal_address: str,
    messages: Sequence[AnyMessage],
    report: Callable[[int], None],
) -> int:
    """How many workflows were reached, in batches."""
    client = await connect_by(settings, temporal_address)
    workflows = SubscriptionWorkflows(client, task_queue=settings.task_queue)
    reached = 0
    for start in range(0, len(messages), BATCH):
        batch = messages[start : start + BATCH]
        reached += sum(await workflows.wake_all(batch))
        report(len(batch))
    return reached
