"""What processes count, and where a worker shows it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx2
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from runtime.measuring.counters import BillingCounters
from runtime.measuring.queue_latencies import QueueLatencies
from runtime.measuring.server import serve_metrics
from runtime.temporal import connect

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
TOKEN = "a token of the operator's, long enough"


def made_at(instant: datetime) -> UUID:
    """An id like those of ``models.base.new_id``."""
    value = int(instant.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62
    return UUID(int=value)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def counters(registry: CollectorRegistry) -> BillingCounters:
    return BillingCounters(registry)


@pytest.fixture
def address(registry: CollectorRegistry, counters: BillingCounters) -> Iterator[str]:
    counters.count_worker_start()
    with serve_metrics("127.0.0.1:0", registry, token=TOKEN) as (host, port):
        yield f"http://{host}:{port}"


def closes(registry: CollectorRegistry, timing: str) -> float | None:
    return registry.get_sample_value("fluxrate_period_closes_total", {"timing": timing})


@pytest.mark.parametrize(
    ("due_before", "made_before", "timing"),
    [
        (timedelta(minutes=5), timedelta(days=90), "on_time"),
        (timedelta(minutes=5, seconds=1), timedelta(days=90), "late"),
        (timedelta(days=800), timedelta(seconds=20), "on_time"),
        (timedelta(days=800), timedelta(minutes=6), "late"),
        (-timedelta(seconds=1), timedelta(days=90), "on_time"),
    ],
    ids=["just in time", "late", "missed before it began", "missed and slow", "clocks apart"],
)
def test_close_is_late_five_minutes_after_it_could_be_made(
    registry: CollectorRegistry,
    counters: BillingCounters,
    due_before: timedelta,
    made_before: timedelta,
    timing: str,
) -> None:
    counters.count_close(made_at(NOW - made_before), due_at=NOW - due_before, now=NOW)

    other = {"late": "on_time", "on_time": "late"}[timing]
    assert (closes(registry, timing), closes(registry, other)) == (1, 0)


def test_foreign_id_says_nothing_of_when_it_was_made(
    registry: CollectorRegistry, counters: BillingCounters
) -> None:
    counters.count_close(uuid4(), due_at=NOW - timedelta(hours=1), now=NOW)

    assert closes(registry, "late") == 1


def test_everything_is_shown_before_it_happens_first(
    registry: CollectorRegistry,
    counters: BillingCounters,
) -> None:
    text = generate_latest(registry).decode()

    for line in (
        'fluxrate_deliveries_total{relay="webhooks",result="failure"} 0.0',
        'fluxrate_period_closes_total{timing="late"} 0.0',
        'fluxrate_queue_latency_seconds_count{kind="workflow"} 0.0',
    ):
        assert line in text


def test_worker_shows_its_metrics_to_the_operator(address: str) -> None:
    shown = httpx2.get(
        f"{address}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False
    )

    assert shown.status_code == 200
    assert "fluxrate_worker_starts_total 1.0" in shown.text


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", f"Basic {TOKEN}", "Bearer ä"])
def test_worker_shows_nobody_else_its_metrics(address: str, authorization: str) -> None:
    answer = httpx2.get(
        f"{address}/metrics", headers={b"Authorization": authorization.encode()}, trust_env=False
    )

    assert (answer.status_code, answer.text) == (401, "")


def test_worker_shows_nothing_else(address: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}

    assert httpx2.get(f"{address}/", headers=headers, trust_env=False).status_code == 404


async def test_library_measures_how_long_tasks_waited(temporal_address: str) -> None:
    seen: list[tuple[str, float]] = []
    latencies = QueueLatencies(lambda *one: seen.append(one), is_measured=True)
    await connect(temporal_address, runtime=latencies.runtime)

    latencies.hand_on()

    assert seen == []
