"""What Temporal starts by the clock."""

from __future__ import annotations

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)

from workflows.coverage import CoverageWorkflow
from workflows.names import coverage_check_id

CHECK_EVERY = timedelta(hours=1)


async def ensure_coverage_check(client: Client, *, task_queue: str) -> bool:
    """The hourly check of this installation is scheduled; returns whether it is new.

    Idempotent by the installation's task queue.
    """
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            CoverageWorkflow.run, id=coverage_check_id(task_queue), task_queue=task_queue
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=CHECK_EVERY)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )
    try:
        await client.create_schedule(coverage_check_id(task_queue), schedule)
    except ScheduleAlreadyRunningError:
        return False
    return True
