"""What operators measure of this process, in the text format of Prometheus (CONTRACT 35)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

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
from prometheus_client.multiprocess import MultiProcessCollector

from api.transport.work_metrics import WorkCollector
from services.ingestion.submissions import EventResult, EventStatus
from services.operations.measures import Measures

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
CONTENT_TYPE = CONTENT_TYPE_LATEST

EVENT_RESULTS: Final = {
    EventStatus.CREATED: "accepted",
    EventStatus.DUPLICATE: "duplicate",
    EventStatus.REJECTED: "refused",
}


class Metrics:
    """The counters of one application in a registry, in which others may count too.

    Where it is served by several processes they count in files of ``shared_directory``, and each
    shows the sum of all, of those too that have ended; what is a single process's is left out.
    """

    def __init__(self, registry: CollectorRegistry, shared_directory: str | None = None) -> None:
        self.registry = registry
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
        self._events = Counter(
            "fluxrate_events",
            "Reported usage events, by what became of them.",
            ("result",),
            registry=counted,
        )
        self._late_events = Counter(
            "fluxrate_late_events",
            "Accepted events whose bill was final already.",
            registry=counted,
        )
        for result in EVENT_RESULTS.values():
            self._events.labels(result)
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

    def count_events(self, results: Sequence[EventResult]) -> None:
        """Count what became of reported events, once that is committed."""
        for one in results:
            self._events.labels(EVENT_RESULTS[one.status]).inc()
            if one.is_late:
                self._late_events.inc()

    def render(self, measures: Measures | None) -> bytes:
        """All values, as Prometheus scrapes them; without measures what was counted alone."""
        self._work.measures = measures
        return generate_latest(self.registry)
