"""The health of the workers on the wire (CONTRACT 4.13)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas.common import Moment, View
from services.operations.worker_health import Health, WorkerReport, WorkReport


class AliveView(View):
    """The process answers."""

    status: Literal["ok"]
    """Always `ok`."""


class ReadinessChecksView(View):
    """What was asked, one by one."""

    database: Literal["ok", "failed"]
    """Whether the database answers."""
    schema_: Literal["ok", "failed"] = Field(alias="schema")
    """Whether the database has the schema of this version."""
    temporal: Literal["ok", "degraded"]
    """Whether the workflow engine answers; requests do not need it."""


class ReadinessView(View):
    """Whether requests can be answered."""

    status: Literal["ready", "not_ready"]
    """`ready` where the database answers and its schema is current."""
    temporal: Literal["ok", "degraded"]
    """`degraded` while the workflow engine is away: what changes reaches it when it is back."""
    checks: ReadinessChecksView
    """What was asked, one by one."""


class JobView(View):
    """One kind of work with the instant at which it is next due, null if nothing is."""

    id: str
    next_run_time: Moment | None
    trigger: str


class SchedulerView(View):
    """Whether the workflow engine answers, which wakes every workflow when its work is due."""

    running: bool
    jobs: list[JobView]


class WorkerView(View):
    """How one kind of work does: ``healthy``, ``unknown``, ``warning``, ``stale``, ``critical``."""

    status: Health
    consecutive_failures: int
    last_run: Moment | None


class WorkersView(View):
    """Both kinds of work."""

    invoice_generator: WorkerView
    invoice_finalizer: WorkerView


class WorkersHealthView(View):
    """Everything about the workers."""

    timestamp: Moment
    overall_status: Health
    scheduler: SchedulerView
    workers: WorkersView


def view_workers(report: WorkReport, *, is_engine_there: bool, now: datetime) -> WorkersHealthView:
    """The report as the API shows it.

    ``trigger`` says by when work is done at the latest, in the documented notation; workflows act
    at the very instant.
    """
    return WorkersHealthView(
        timestamp=now,
        overall_status=report.overall,
        scheduler=SchedulerView(
            running=is_engine_there,
            jobs=[
                JobView(
                    id="invoice_generation",
                    next_run_time=report.generator.next_run_time,
                    trigger="cron[hour='*', minute='0']",
                ),
                JobView(
                    id="invoice_finalization",
                    next_run_time=report.finalizer.next_run_time,
                    trigger="cron[minute='*/5']",
                ),
            ],
        ),
        workers=WorkersView(
            invoice_generator=_view_worker(report.generator),
            invoice_finalizer=_view_worker(report.finalizer),
        ),
    )


def _view_worker(report: WorkerReport) -> WorkerView:
    return WorkerView(
        status=report.status,
        consecutive_failures=report.consecutive_failures,
        last_run=report.last_run,
    )
