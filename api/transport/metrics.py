"""What operators measure of this process, in the text format of Prometheus (CONTRACT 35)."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from services.operations.worker_health import WorkReport

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CONTENT_TYPE = CONTENT_TYPE_LATEST


class WorkCollector(Collector):
    """What the database says of all workers' work; nothing while it cannot be asked."""

    def __init__(self) -> None:
        self.report: WorkReport | None = None

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """The bills that wait for people, and what the hourly check has repaired."""
        if self.report is None:
            return
        parked = GaugeMetricFamily(
            "fluxrate_bills_needing_attention",
            "Bills that a broken rule stopped and that wait for people.",
            labels=("work",),
        )
        parked.add_metric(["generator"], self.report.generator.consecutive_failures)
        parked.add_metric(["finalizer"], self.report.finalizer.consecutive_failures)
        yield parked
        yield CounterMetricFamily(
            "fluxrate_audit_owners_repaired",
            "Workflows that the hourly check found missing or late, and woken or started again.",
            value=self.report.workflows_woken,
        )


class Metrics:
    """The counters of one application; other collectors may join its ``registry``.

    Where it is served by several processes they count in files of ``shared_directory``, and each
    shows the sum of all, of those too that have ended; what is a single process's is left out.
    """

    def __init__(self, shared_directory: str | None = None) -> None:
        self.registry = CollectorRegistry()
        if shared_directory is None:
            ProcessCollector(registry=self.registry)
            PlatformCollector(registry=self.registry)
            GCCollector(registry=self.registry)
            counted: CollectorRegistry | None = self.registry
        else:
            MultiProcessCollector(self.registry, shared_directory)  # type: ignore[no-untyped-call]  # of the library
            counted = None
        self._work = WorkCollector()
        self.registry.register(self._work)
        self._requests = Counter(
            "fluxrate_http_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=counted,
        )
        self._durations = Histogram(
            "fluxrate_http_request_duration_seconds",
            "Time from the request's first byte to the answer's last.",
            ("method", "route"),
            buckets=BUCKETS,
            registry=counted,
        )
        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request. ``route`` is a template, so that ids make no series."""
        key = (method, route, status)
        series = self._series.get(key)
        if series is None:
            counter = self._requests.labels(method, route, str(status))
            series = self._series[key] = (counter, self._durations.labels(method, route))
        counter, durations = series
        counter.inc()
        durations.observe(seconds)

    def render(self, report: WorkReport | None) -> bytes:
        """All values, as Prometheus scrapes them; without a report what was counted alone."""
        self._work.report = report
        return generate_latest(self.registry)
