"""What the database says of all work, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from billing.payments.kinds import PaymentStatus
from repositories.operations.checks import COVERAGE, RECOMPUTED
from services.operations.findings import FindingKind
from services.operations.invariants import RECOMPUTES, Invariant, Standing
from services.operations.measures import Measures, seconds_since
from services.receipts.flaws import Fault

CHECKS: Final = {COVERAGE: "books_balance", RECOMPUTED: RECOMPUTES}
"""Each check, and an invariant that it looks at."""


class WorkCollector(Collector):
    """The figures of the measures at hand; nothing while the database cannot be asked."""

    def __init__(self) -> None:
        self.measures: Measures | None = None

    def collect(self) -> Iterator[Metric]:
        """Every figure, also those that are zero, so that a rule never misses one."""
        if self.measures is not None:
            yield from _of_work(self.measures)
            yield from _of_queues(self.measures)
            yield from _of_invariants(self.measures)


def _of_work(measures: Measures) -> Iterator[Metric]:
    work, now = measures.work, measures.read_at
    yield _gauge(
        "fluxrate_bills_needing_attention",
        "Bills that a broken rule stopped and that wait for people.",
        "work",
        {
            "generator": work.generator.consecutive_failures,
            "finalizer": work.finalizer.consecutive_failures,
        },
    )
    yield CounterMetricFamily(
        "fluxrate_audit_owners_repaired",
        "Workflows that the hourly check found missing or late, and woken or started again.",
        value=work.workflows_woken,
    )
    yield GaugeMetricFamily(
        "fluxrate_oldest_unbilled_period_seconds",
        "How long ago the oldest period ended that has no draft yet, 0 if none is due.",
        value=seconds_since(work.generator.next_run_time, now=now),
    )
    yield GaugeMetricFamily(
        "fluxrate_oldest_unfinalized_draft_seconds",
        "How long ago the grace of the oldest draft was over, 0 if none is due.",
        value=seconds_since(work.finalizer.next_run_time, now=now),
    )
    yield _gauge(
        "fluxrate_payments_last_hour",
        "Payments begun within the last hour, by what they came to.",
        "status",
        {one.value: measures.payments.get(one, 0) for one in PaymentStatus},
    )


def _of_queues(measures: Measures) -> Iterator[Metric]:
    queues = measures.queues
    yield _gauge(
        "fluxrate_outbox_oldest_seconds",
        "How long the oldest message has waited to leave the database.",
        "kind",
        {kind: queue.oldest_seconds for kind, queue in queues.items()},
    )
    yield _gauge(
        "fluxrate_outbox_messages",
        "Messages that wait to leave the database, 10,000 at most.",
        "kind",
        {kind: queue.waiting for kind, queue in queues.items()},
    )


def _of_invariants(measures: Measures) -> Iterator[Metric]:
    by_name = {one.name: one for one in measures.invariants}
    coverage = [one for one in measures.invariants if one.name != RECOMPUTES]
    recomputed = by_name[RECOMPUTES]
    yield _gauge(
        "fluxrate_coverage_findings",
        "What the newest hourly check found wrong.",
        "kind",
        {kind.value: _count(coverage, kind.value) for kind in FindingKind},
    )
    yield _gauge(
        "fluxrate_verify_differences",
        "Issued invoices of which something differs, of those computed again today.",
        "fault",
        {fault.value: recomputed.findings.get(fault.value, 0) for fault in Fault},
    )
    yield GaugeMetricFamily(
        "fluxrate_verified_invoices",
        "Issued invoices that were computed again today.",
        value=recomputed.examined,
    )
    yield _gauge(
        "fluxrate_invariant_broken",
        "Whether an invariant was found broken (1), holds (0), or nobody knows (-1).",
        "invariant",
        {one.name: _figure(one.standing) for one in measures.invariants},
    )
    times = {check: by_name[name].checked_at for check, name in CHECKS.items()}
    yield _gauge(
        "fluxrate_check_timestamp_seconds",
        "When a check of everything was last done, in seconds since 1970, 0 if never.",
        "check",
        {check: 0.0 if at is None else at.timestamp() for check, at in times.items()},
    )


def _count(invariants: Sequence[Invariant], kind: str) -> int:
    return sum(one.findings.get(kind, 0) for one in invariants)


def _figure(verdict: Standing) -> int:
    return {Standing.HOLDS: 0, Standing.UNKNOWN: -1, Standing.BROKEN: 1}[verdict]


def _gauge(
    name: str, documentation: str, label: str, values: dict[str, int] | dict[str, float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=(label,))
    for value, figure in values.items():
        family.add_metric([value], figure)
    return family
