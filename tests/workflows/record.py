"""Records the histories that replay tests run: ``make histories``.

    python -m tests.workflows.record [KIND …]

Each kind is lived through once on real servers. Histories of workflows that run in production were
made by older code, so an old file is not replaced only because the code changed: record again
when the shape of a history changed on purpose, and keep the former file under a new name for as
long as workflows of that shape may run (docs/development/changing-workflows.md).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from temporalio.client import Client, WorkflowExecutionStatus

from runtime.exit import leave
from runtime.temporal import connect
from tests.scenarios.account import Account
from tests.scenarios.product import Product, settings_for
from tests.servers import TestRun, make_database, start_postgres, start_shared_temporal
from tests.workflows.kinds import KINDS, Stage, Subscription
from workflows.names import subscription_workflow_id

HISTORIES = Path(__file__).parent / "histories"
SETTLE_SECONDS = 60.0


@contextmanager
def servers() -> Iterator[tuple[str, str]]:
    """The addresses of a PostgreSQL with the schema and of a Temporal server, for a while."""
    run = TestRun()
    try:
        postgres = start_postgres("postgres-record")
        yield make_database(postgres, "record"), start_shared_temporal().address
    finally:
        run.end()


def record(kinds: list[str], database_url: str, temporal_address: str) -> None:
    """Live through the kinds and write down what Temporal kept of them."""
    console = Console()
    HISTORIES.mkdir(exist_ok=True)
    product = Product(settings_for(database_url, temporal_address)).start()
    loop = asyncio.new_event_loop()
    client = loop.run_until_complete(connect(temporal_address))

    def settle(subscription: Subscription) -> None:
        loop.run_until_complete(until_settled(client, subscription["id"]))

    try:
        for name in kinds:
            account = Account(product.url).sign_up()
            stage = Stage(account=account, database_url=database_url, settle=settle)
            subscription = KINDS[name](stage)
            settle(subscription)
            account.client.close()
            workflow_id = subscription_workflow_id(subscription["id"])
            runs = loop.run_until_complete(fetch_runs(client, workflow_id))
            for number, history in enumerate(runs, 1):
                suffix = "" if len(runs) == 1 else f".{number}"
                (HISTORIES / f"{name}{suffix}.json").write_text(history)
            console.print(f"{name}: {len(runs)} run(s)")
    finally:
        product.stop()


async def until_settled(client: Client, subscription_id: str) -> None:
    """Return when the workflow's newest run neither works nor is about to."""
    handle = client.get_workflow_handle(subscription_workflow_id(subscription_id))
    deadline = time.monotonic() + SETTLE_SECONDS
    former = -1
    while time.monotonic() < deadline:
        description = await handle.describe()
        is_busy = description.raw_description.HasField("pending_workflow_task")
        length = description.history_length
        if description.status is not WorkflowExecutionStatus.RUNNING:
            return
        if not is_busy and length == former and length > 1:
            return
        former = length
        await asyncio.sleep(0.7)
    raise AssertionError(f"the workflow of {subscription_id} does not settle")


async def fetch_runs(client: Client, workflow_id: str) -> list[str]:
    """The histories of every run of a workflow, oldest first, as they are kept in files."""
    runs: list[str] = []
    run_id: str | None = (await client.get_workflow_handle(workflow_id).describe()).run_id
    while run_id:
        handle = client.get_workflow_handle(workflow_id, run_id=run_id)
        history = json.loads((await handle.fetch_history()).to_json())
        runs.insert(0, as_text(history))
        started = history["events"][0]["workflowExecutionStartedEventAttributes"]
        run_id = started.get("continuedExecutionRunId")
    return runs


def as_text(history: dict[str, Any]) -> str:
    """A history without the names of machines, processes and directories."""
    text = json.dumps(_without_traces(history), indent=1, sort_keys=True)
    machine = re.escape(socket.gethostname())
    return re.sub(rf"\b\d+@{machine}\b", "worker", text) + "\n"


def _without_traces(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_traces(one) for one in node]
    if isinstance(node, dict):
        return {
            name: "" if name == "stackTrace" else _without_traces(value)
            for name, value in node.items()
        }
    return node


def run(kinds: Iterable[str], record: Callable[[list[str], str, str], None]) -> NoReturn:
    """Record the kinds that the command line names, or all of them."""
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    with servers() as (database_url, temporal_address):
        record(sys.argv[1:] or list(kinds), database_url, temporal_address)
    leave(0)


if __name__ == "__main__":
    run(KINDS, record)
