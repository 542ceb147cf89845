"""The health of the workers on the wire (CONTRACT 4.13), and what must always hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas.common import Moment, View
from services.operations.invariants import Invariant, Standing, worst
from services.operations.outbound import Outbound
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
    """How each of them answered."""


class JobView(View):
    """One kind of work with the instant at which it is next due, null if nothing is."""

    id: str
    """The name of the work."""
    next_run_time: Moment | None
    """When the next of this work is due; null where nothing is."""
    trigger: str
    """By when the work is done at the latest, in the notation of cron."""


class SchedulerView(View):
    """Whether the workflow engine answers, which wakes every workflow when its work is due."""

    running: bool
    """Whether the workflow engine answers."""
    jobs: list[JobView]
    """The kinds of work."""


class WorkerView(View):
    """How one kind of work does: ``healthy``, ``unknown``, ``warning``, ``stale``, ``critical``."""

    status: Health
    """How it does."""
    consecutive_failures: int
    """How many pieces of work wait for people."""
    last_run: Moment | None
    """When this work was last done; null where it never was."""


class WorkersView(View):
    """Both kinds of work."""

    invoice_generator: WorkerView
    """The work that closes periods and makes drafts."""
    invoice_finalizer: WorkerView
    """The work that makes drafts final."""


class WorkersHealthView(View):
    """Everything about the workers."""

    timestamp: Moment
    """When this was found out."""
    overall_status: Health
    """The worse of both kinds of work."""
    scheduler: SchedulerView
    """The workflow engine, and what it wakes."""
    workers: WorkersView
    """How both kinds of work do."""


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


class InvariantView(View):
    """One thing that must always hold, in all organizations."""

    name: str
    """Its name, for programs."""
    says: str
    """What it says, for people."""
    status: Standing
    """`unknown` where it was never looked at, not for two hours, or not everywhere."""
    checked_at: Moment | None
    """When it was last looked at; null where it never was."""
    examined: int
    """How many subscriptions, or invoices, were looked at."""
    findings: dict[str, int]
    """How many contradictions of each kind were found; empty where there are none."""
    proof: str
    """What anybody can do to see it for themselves: a command or an operation."""


class StatusView(View):
    """Everything that must always hold, and whether it does."""

    timestamp: Moment
    """When this was put together."""
    status: Standing
    """The worst of all."""
    outbound: Outbound
    """`off` where the operator lets nothing leave: mails, webhooks, charges and top-ups wait."""
    invariants: list[InvariantView]
    """Each with when it was last looked at."""


def view_status(
    invariants: Sequence[Invariant], *, outbound: Outbound, now: datetime
) -> StatusView:
    """The invariants as the API shows them."""
    return StatusView(
        timestamp=now,
        status=worst(invariants),
        outbound=outbound,
        invariants=[
            InvariantView(
                name=one.name,
                says=one.says,
                status=one.standing,
                checked_at=one.checked_at,
                examined=one.examined,
                findings=dict(one.findings),
                proof=one.proof,
            )
            for one in invariants
        ],
    )
