"""What processes count of billing for Prometheus: the API's and the workers' relays and steps."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Histogram

LATE_AFTER: Final = timedelta(minutes=5)
"""How long after its end a period may have its draft and is still on time."""

CLOSE_BUCKETS: Final = (1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600)
QUEUE_BUCKETS: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300)

DELIVERIES: Final = ("webhooks", "mails", "gateways", "sandbox")
"""The relays that send something, so that each is shown before its first delivery."""


class BillingCounters:
    """The counters of one process, in its registry, or in shared files where it is one of several.

    No label names an organization or a customer.
    """

    def __init__(self, registry: CollectorRegistry | None) -> None:
        self._deliveries = Counter(
            "fluxrate_deliveries",
            "Tries to deliver a webhook or a mail, or to have a gateway do something.",
            ("relay", "result"),
            registry=registry,
        )
        self._closes = Counter(
            "fluxrate_period_closes",
            "Periods that got their draft, within five minutes of their end or later.",
            ("timing",),
            registry=registry,
        )
        self._delays = Histogram(
            "fluxrate_period_close_delay_seconds",
            "Time from the end of a period to its draft.",
            buckets=CLOSE_BUCKETS,
            registry=registry,
        )
        self._queues = Histogram(
            "fluxrate_queue_latency_seconds",
            "How long Temporal's tasks waited for a worker.",
            ("kind",),
            buckets=QUEUE_BUCKETS,
            registry=registry,
        )
        self._forgotten = Counter(
            "fluxrate_forgotten_rows",
            "Rows that were forgotten because they were older than they are kept.",
            ("kind",),
            registry=registry,
        )
        self._registry = registry
        # What happened for the first time is an increase only of what was shown before.
        for relay in DELIVERIES:
            for result in ("success", "failure"):
                self._deliveries.labels(relay, result)
        for timing in ("on_time", "late"):
            self._closes.labels(timing)
        for kind in ("workflow", "activity"):
            self._queues.labels(kind)

    def count_worker_start(self) -> None:
        """A process of the worker has begun; in no other is there such a counter."""
        starts = Counter(
            "fluxrate_worker_starts",
            "Processes of the worker that were started.",
            registry=self._registry,
        )
        starts.inc()

    def count_delivery(self, relay: str, *, arrived: bool) -> None:
        """A try to deliver something has ended."""
        self._deliveries.labels(relay, "success" if arrived else "failure").inc()

    def count_forgotten(self, kind: str, count: int) -> None:
        """So many rows of a kind were older than they are kept, and are gone."""
        self._forgotten.labels(kind).inc(count)

    def count_close(self, subscription_id: UUID, *, due_at: datetime, now: datetime) -> None:
        """A period of the wall clock has its draft; it was due at its end.

        What a new subscription has missed is due when the subscription is made, which its id says.
        """
        delay = max(0.0, (now - max(due_at, _made_at(subscription_id, now))).total_seconds())
        timing = "late" if delay > LATE_AFTER.total_seconds() else "on_time"
        self._closes.labels(timing).inc()
        self._delays.observe(delay)

    def observe_queue(self, kind: str, seconds: float) -> None:
        """A task of a kind was taken after so long."""
        self._queues.labels(kind).observe(seconds)


def _made_at(identifier: UUID, now: datetime) -> datetime:
    """When an id of ours was made (models/base.py::new_id); others say nothing."""
    if identifier.version != 7:
        return datetime.min.replace(tzinfo=now.tzinfo)
    return datetime.fromtimestamp((identifier.int >> 80) / 1000, tz=now.tzinfo)
