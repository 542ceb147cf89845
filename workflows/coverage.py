"""The hourly check of coverage, started by a schedule: what it found is its result."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from activities import declarations
    from activities.declarations import CoverageDone
    from workflows import names


@workflow.defn(name=names.COVERAGE_WORKFLOW)
class CoverageWorkflow:
    """Compares PostgreSQL with the workflows that run, and has the missing ones started."""

    @workflow.run
    async def run(self) -> CoverageDone:
        """Look at every organization once; the next hour looks again."""
        done: CoverageDone = await workflow.execute_activity(
            declarations.CHECK_COVERAGE,
            result_type=CoverageDone,
            summary="Every subscription has its workflow and its bills",
            start_to_close_timeout=timedelta(minutes=30),
            heartbeat_timeout=timedelta(minutes=5),
            retry_policy=RetryPolicy(maximum_attempts=5),
        )
        workflow.set_current_details(
            f"{done.subscriptions} subscriptions, {done.findings} findings, {done.repaired} woken"
        )
        return done
