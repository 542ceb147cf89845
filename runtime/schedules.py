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

from workflows.coverage import AuditWorkflow
from workflows.names import audit_id

AUDIT_EVERY = timedelta(hours=1)


async def ensure_audit(client: Client, *, task_queue: str) -> bool:
    """The hourly audit of this installation is scheduled; returns whether it is new.

    Idempotent by the installation's task queue.
    """
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            AuditWorkflow.run, id=audit_id(task_queue), task_queue=task_queue
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=AUDIT_EVERY)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )
    try:
        await client.create_schedule(audit_id(task_queue), schedule)
    except ScheduleAlreadyRunningError:
        return False
    return True
