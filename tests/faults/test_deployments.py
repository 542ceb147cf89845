"""Workers are replaced, by changed code and by broken code, and are asked to stop in the middle."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from temporalio import workflow
from temporalio.api.enums.v1 import EventType

from billing.subscriptions import WorkflowState
from runtime.embedded.processes import wait_until
from runtime.settings import Settings
from runtime.subscription_workflows import SubscriptionWorkflows
from runtime.temporal import connect
from services.operations.outbox import WakeMessage
from tests.faults.callers import send, subscribe
from tests.scenarios.account import Account
from tests.scenarios.product import Product, settings_for
from workflows.names import subscription_workflow_id
from workflows.subscription import SubscriptionWorkflow

MARCH, MAY = "2025-03-01T02:00:00Z", "2025-05-01T02:00:00Z"
SECONDS_TO_STOP = 45
Show = Callable[[SubscriptionWorkflow, WorkflowState], None]
show_as_ever = SubscriptionWorkflow._show


@pytest.fixture
def settings(module_database_url: str, temporal_address: str) -> Settings:
    """Workers that remember no run, so that every task replays its history on today's code."""
    settings = settings_for(module_database_url, temporal_address)
    return settings.model_copy(update={"workflow_sandbox": False, "worker_cached_workflows": 0})


def show_nothing(_self: SubscriptionWorkflow, _state: WorkflowState) -> None:
    """A command less, just so."""


def show_nothing_any_more(self: SubscriptionWorkflow, state: WorkflowState) -> None:
    """The same, behind a patch."""
    if not workflow.patched("show-nothing"):
        show_as_ever(self, state)


@contextmanager
def deployed(settings: Settings, show: Show, account: Account | None = None) -> Iterator[Account]:
    """The product with this code, and somebody who uses it: the same person as before, or new."""
    SubscriptionWorkflow._show = show  # type: ignore[method-assign, assignment]  # a workflow of another version
    product = Product(settings).start()
    try:
        person = Account(product.url)
        if account is None:
            person.sign_up()
        else:
            person.client.cookies = account.client.cookies
        yield person
    finally:
        product.stop()
        SubscriptionWorkflow._show = show_as_ever  # type: ignore[method-assign]  # a workflow of another version


def totals(account: Account, subscription: dict[str, Any]) -> list[Any]:
    """What each invoice comes to, in order."""
    return [invoice["total"] for invoice in account.invoices(subscription)]


def failed_tasks(settings: Settings, subscription: dict[str, Any]) -> int:
    """How many tasks of the workflow have failed, as its history in the Web UI shows."""

    async def count() -> int:
        assert settings.temporal_address
        client = await connect(settings.temporal_address)
        workflow = client.get_workflow_handle(subscription_workflow_id(subscription["id"]))
        failed = EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
        return sum(one.event_type == failed for one in (await workflow.fetch_history()).events)

    return asyncio.run(count())


def replace_workflow(settings: Settings, account: Account, subscription: dict[str, Any]) -> None:
    """An operator terminates the workflow; the hourly check starts it again."""

    async def replace() -> None:
        assert settings.temporal_address
        client = await connect(settings.temporal_address)
        workflow_id = subscription_workflow_id(subscription["id"])
        await client.get_workflow_handle(workflow_id).terminate("beyond repair")
        message = WakeMessage(
            organization_id=UUID(account.organization["id"]),
            subscription_id=UUID(subscription["id"]),
        )
        await SubscriptionWorkflows(client, task_queue=settings.task_queue).wake(message)

    asyncio.run(replace())


def test_change_behind_a_patch_is_deployed_under_a_running_workflow_and_rolled_back(
    settings: Settings,
) -> None:
    with deployed(settings, show_as_ever) as old:
        clock, subscription = subscribe(old)
        old.advance(clock, "2025-01-20T00:00:00Z")

    with deployed(settings, show_nothing_any_more, old) as new:
        new.advance(clock, MARCH)
        assert totals(new, subscription) == [1, 0]

    with deployed(settings, show_as_ever, old) as rolled_back:
        rolled_back.advance(clock, MAY)
        assert totals(rolled_back, subscription) == [1, 0, 0, 0]
    assert failed_tasks(settings, subscription) == 0


def test_workflow_that_began_on_the_new_code_is_replaced_after_a_roll_back(
    settings: Settings,
) -> None:
    with deployed(settings, show_nothing_any_more) as new:
        clock, subscription = subscribe(new)
        new.advance(clock, MARCH)

    with deployed(settings, show_as_ever, new) as rolled_back:
        rolled_back.organization = new.organization
        send(rolled_back, clock, MAY)
        assert wait_until(lambda: failed_tasks(settings, subscription) > 0, timeout_seconds=30)
        assert totals(rolled_back, subscription) == [1, 0]

        replace_workflow(settings, rolled_back, subscription)
        rolled_back.wait_for_clock(clock)
        assert totals(rolled_back, subscription) == [1, 0, 0, 0]


def test_deploy_that_breaks_histories_stalls_visibly_and_bills_nothing_wrong(
    settings: Settings,
) -> None:
    with deployed(settings, show_as_ever) as good:
        clock, subscription = subscribe(good)
        good.advance(clock, "2025-01-20T00:00:00Z")

    with deployed(settings, show_nothing, good) as broken:
        send(broken, clock, MARCH)
        assert wait_until(lambda: failed_tasks(settings, subscription) > 0, timeout_seconds=30)
        assert totals(broken, subscription) == []

    with deployed(settings, show_as_ever, good) as rolled_back:
        rolled_back.wait_for_clock(clock)
        assert totals(rolled_back, subscription) == [1, 0]


def test_worker_that_is_asked_to_stop_in_a_wave_leaves_nothing_half_done(
    settings: Settings, tmp_path: Path
) -> None:
    product = Product(settings, with_worker=False).start()
    account = Account(product.url).sign_up()
    lives = [subscribe(account, number) for number in range(1, 7)]
    for clock, _ in lives:
        send(account, clock, MAY)
    first = start_worker(settings, tmp_path)
    wait_until(lambda: any(account.invoices(one) for _, one in lives), timeout_seconds=60)

    began = time.monotonic()
    first.send_signal(signal.SIGTERM)
    assert first.wait(SECONDS_TO_STOP) == 0, (tmp_path / "worker.log").read_text()[-2000:]
    assert time.monotonic() - began < SECONDS_TO_STOP
    clocks = [account.get(f"/test-clocks/{clock['id']}")["status"] for clock, _ in lives]
    assert "advancing" in clocks, "the worker stopped after the wave"
    second = start_worker(settings, tmp_path)
    for clock, _ in lives:
        account.wait_for_clock(clock)

    for number, (_, subscription) in enumerate(lives, 1):
        assert totals(account, subscription) == [number, 0, 0, 0]
    numbers = [one["invoice_number"] for _, life in lives for one in account.invoices(life)]
    assert sorted(numbers) == [f"INV-2025-{number:04d}" for number in range(1, 25)]
    second.terminate()
    second.wait(SECONDS_TO_STOP)
    product.stop()


def start_worker(settings: Settings, directory: Path) -> subprocess.Popen[bytes]:
    """The product's worker, as a process of its own; most workflows of a wave queue for it."""
    environment = {
        "DATABASE_URL": str(settings.database_url),
        "TEMPORAL_ADDRESS": str(settings.temporal_address),
        "FLUXRATE_TASK_QUEUE": settings.task_queue,
        "FLUXRATE_WORKER_WORKFLOW_TASK_SLOTS": "2",
    }
    with (directory / "worker.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "worker.py"],
            env=os.environ | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
