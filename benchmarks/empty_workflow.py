"""A worker whose workflows do nothing: ``python -m benchmarks.empty_workflow``.

The same workflow, the same commands, the same history as a real bill, but steps that answer at
once from memory. What it costs is what Temporal costs.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.worker import Worker

from activities import declarations
from activities.declarations import ActionRequest, StepDone, SubscriptionReference
from billing.subscriptions import Action, AgendaEntry, WorkflowState
from runtime.exit import leave
from runtime.processes.cores import default_worker_processes
from runtime.processes.group import ProcessGroup
from runtime.processes.interpreter import OF_WORKFLOWS, relax_garbage_collection
from runtime.settings import Settings
from runtime.temporal import connect
from runtime.workflow_runner import ForgettingWorkflowRunner
from workflows.subscription import SubscriptionWorkflow

PERIOD_ENDS_AT = "FLUXRATE_BENCHMARK_PERIOD_ENDS_AT"
MONTH = timedelta(days=30)
ALONE = "alone"


def state(action: Action, due_at: datetime, index: int) -> WorkflowState:
    """One entry on the agenda, as a real workflow would read it."""
    entry = AgendaEntry(
        due_at=due_at,
        action=action,
        period_index=index,
        invoice_id="empty" if action is Action.FINALIZE_INVOICE else None,
    )
    return WorkflowState(
        agenda=(entry,),
        status="ACTIVE",
        customer_id="empty",
        plan_code="empty",
        period_index=index,
        period_ends_at=due_at,
        last_invoice=f"INV-{index}",
        read_at=datetime.now(UTC),
    )


@activity.defn(name=declarations.READ_AGENDA.name)
def read_agenda(_reference: SubscriptionReference) -> WorkflowState:
    """The first period ends at the instant of the environment."""
    ends_at = datetime.fromisoformat(os.environ[PERIOD_ENDS_AT])
    return state(Action.CLOSE_PERIOD, ends_at, 0)


@activity.defn(name=declarations.ROLL_PERIOD.name)
def roll_period(request: ActionRequest) -> WorkflowState:
    """The period's bill is due."""
    return state(Action.BILL_PERIOD, request.due_at, 0)


@activity.defn(name=declarations.ISSUE_INVOICE.name)
def issue_invoice(_request: ActionRequest) -> WorkflowState:
    """The draft has no grace."""
    return state(Action.FINALIZE_INVOICE, datetime.now(UTC), 0)


@activity.defn(name=declarations.FINALIZE_INVOICE.name)
def finalize_invoice(request: ActionRequest) -> WorkflowState:
    """The next period runs."""
    return state(Action.CLOSE_PERIOD, request.due_at + MONTH, 1)


def make_step(name: str) -> Callable[[ActionRequest], StepDone]:
    """A step of a bill that leaves nothing behind."""

    @activity.defn(name=name)
    def step(_request: ActionRequest) -> StepDone:
        return StepDone(digest="0" * 64, summary="0 windows of usage")

    return step


async def work(settings: Settings) -> None:
    """Serve until killed."""
    assert settings.temporal_address
    client = await connect(settings.temporal_address)
    bill = [step.name for step in declarations.BILL_STEPS]
    with ThreadPoolExecutor(max_workers=settings.worker_activity_slots) as executor:
        worker = Worker(
            client,
            task_queue=settings.task_queue,
            workflows=[SubscriptionWorkflow],
            activities=[
                *(read_agenda, roll_period, issue_invoice, finalize_invoice),
                *map(make_step, bill),
            ],
            activity_executor=executor,
            workflow_runner=ForgettingWorkflowRunner(),
            max_cached_workflows=settings.worker_cached_workflows,
            max_concurrent_workflow_tasks=settings.worker_workflow_task_slots,
            max_concurrent_local_activities=settings.worker_activity_slots,
        )
        await worker.run()


def main() -> None:
    """As many processes as a worker has here, or with ``alone`` one of them."""
    if sys.argv[1:] != [ALONE]:
        leave(ProcessGroup(["benchmarks.empty_workflow", ALONE], default_worker_processes()).run())
    relax_garbage_collection(OF_WORKFLOWS)
    asyncio.run(work(Settings()))


if __name__ == "__main__":
    main()
