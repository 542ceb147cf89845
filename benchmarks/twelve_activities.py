"""A worker of twelve ordinary activities: ``python -m benchmarks.twelve_activities``.

The same rows are written by the same steps, but each step travels through the server, and five
more, which do nothing, stand for what such workflows ask for besides. It is the usual shape, and
what a bill costs in it is what ours is compared with (P6).
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from temporalio import activity, workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities import declarations
from activities.declarations import Request, Result, Step
from activities.subscriptions import SubscriptionActivities
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.settings import Settings
from runtime.temporal import connect
from worker import workflow_steps
from workflows import subscription
from workflows.steps import LONGEST_SUMMARY
from workflows.subscription import SubscriptionWorkflow

ACCOMPANIED = {step.name for step in (*declarations.BILL_STEPS, declarations.ISSUE_INVOICE)}
"""The steps before which an empty one is asked for: seven that work and five make twelve."""

TIMEOUT = timedelta(seconds=60)


@activity.defn
def do_nothing() -> None:
    """An activity that leaves nothing behind."""


async def take_ordinary_step(step: Step[Request, Result], request: Request, summary: str) -> Result:
    """As :func:`workflows.steps.take_step`, through the server, and an empty one before some."""
    if step.name in ACCOMPANIED:
        await workflow.execute_activity(do_nothing, start_to_close_timeout=TIMEOUT)
    result: Result = await workflow.execute_activity(
        step.name,
        request,
        result_type=step.result,
        summary=summary[:LONGEST_SUMMARY],
        start_to_close_timeout=TIMEOUT,
    )
    return result


async def work(settings: Settings) -> None:
    """Serve until killed."""
    assert settings.temporal_address
    assert settings.database_url
    engine = create_application_engine(
        settings.database_url, pool_size=settings.worker_activity_slots + 2
    )
    activities = SubscriptionActivities(Transactions(engine), lambda: datetime.now(UTC))
    client = await connect(settings.temporal_address)
    with ThreadPoolExecutor(max_workers=settings.worker_activity_slots) as executor:
        worker = Worker(
            client,
            task_queue=settings.task_queue,
            workflows=[SubscriptionWorkflow],
            activities=[*workflow_steps(activities), do_nothing],
            activity_executor=executor,
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_cached_workflows=settings.worker_cached_workflows,
            max_concurrent_workflow_tasks=settings.worker_workflow_task_slots,
            max_concurrent_activities=settings.worker_activity_slots,
        )
        await worker.run()


if __name__ == "__main__":
    # Our own workflow with another way of taking its steps: whatever it does, this does as well.
    with patch.object(subscription, "take_step", take_ordinary_step):
        asyncio.run(work(Settings()))
