"""Whether the workers do what is due (CONTRACT 4.13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from repositories.accounts import organizations as stored_organizations
from repositories.operations import worker_health as stored_worker_health
from repositories.operations.worker_health import WorkFacts
from repositories.transactions import Transactions, name_organizations

STALE_AFTER = timedelta(hours=2)
CRITICAL_FAILURES = 3


class Health(StrEnum):
    """How a worker does, from best to worst."""

    HEALTHY = "healthy"
    UNKNOWN = "unknown"
    WARNING = "warning"
    STALE = "stale"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReport:
    """One kind of work: when it was last done, when it is next due, and what stands in its way."""

    status: Health
    consecutive_failures: int
    last_run: datetime | None
    next_run_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkReport:
    """Both kinds of work, over all organizations, and what the hourly check has repaired."""

    generator: WorkerReport
    finalizer: WorkerReport
    workflows_woken: int

    @property
    def overall(self) -> Health:
        """The worse of the two."""
        order = list(Health)
        return max(self.generator.status, self.finalizer.status, key=order.index)


def report_work(transactions: Transactions, *, now: datetime) -> WorkReport:
    """How the making and the finalizing of drafts stand."""
    with transactions.for_organizations([]) as session:
        directory = stored_organizations.list_directory(session)
        name_organizations(session, directory)
        return WorkReport(
            generator=judge(stored_worker_health.read_generation(session, directory), now=now),
            finalizer=judge(stored_worker_health.read_finalization(session, directory), now=now),
            workflows_woken=stored_worker_health.sum_workflows_woken(session, directory),
        )


def judge(facts: WorkFacts, *, now: datetime) -> WorkerReport:
    """The state of one kind of work.

    Bills that wait for people count as failures: ``warning`` for one or two, ``critical`` from
    three. ``stale``: something is overdue by more than two hours. ``unknown``: nothing was done
    ever, and nothing is overdue.
    """
    return WorkerReport(
        status=_status(facts, now),
        consecutive_failures=facts.parked,
        last_run=facts.last_done_at,
        next_run_time=facts.next_due_at,
    )


def _status(facts: WorkFacts, now: datetime) -> Health:
    if facts.parked >= CRITICAL_FAILURES:
        return Health.CRITICAL
    if facts.next_due_at is not None and facts.next_due_at < now - STALE_AFTER:
        return Health.STALE
    if facts.parked:
        return Health.WARNING
    return Health.UNKNOWN if facts.last_done_at is None else Health.HEALTHY
