"""P11: memory and idle CPU of the API and a worker with ten thousand open subscriptions.

The worker keeps 150 workflows in memory, and then a thousand more.

    python -m benchmarks open_workflows

``FLUXRATE_BENCHMARK_OWNERS`` sets how many workflows sleep, 10,000 by default.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from temporalio.client import Client

from benchmarks.figures import Result, figure
from benchmarks.servers import SECRET, make_database, running_postgres
from benchmarks.wave_subscriptions import make_subscriptions
from benchmarks.waves import cpu_of, running_temporal
from runtime.embedded.engines import EmbeddedTemporal
from runtime.embedded.processes import choose_port
from runtime.subscription_workflows import SubscriptionWorkflows
from runtime.temporal import connect

OPEN_WORKFLOWS = int(os.environ.get("FLUXRATE_BENCHMARK_OWNERS", "10000"))
CACHED, MORE_CACHED = 150, 1000
IDLE_SECONDS = 30
UNANSWERED_SECONDS = 15
"""So long a workflow waits for the worker that had it in memory before another may take it."""
MOST_SECONDS = 3600.0
MEGABYTE = 1_000_000


def measure() -> list[Result]:
    """What both processes hold and use once every workflow sleeps."""
    with running_postgres() as postgres, running_temporal() as temporal:
        url = make_database(postgres)
        idle = asyncio.run(run_idle(temporal, url))
    memory, share = idle.memory, idle.share
    return [
        figure(
            "P11a",
            f"memory of the API and a worker together, {OPEN_WORKFLOWS:,} subscriptions open",
            value=memory / MEGABYTE,
            unit="MB",
            limit=300,
            ratio=memory / MEGABYTE / 300,
            goal="<= 300 MB",
            met=memory <= 300 * MEGABYTE,
        ),
        figure(
            "P11b",
            "CPU of both while all workflows sleep",
            value=100 * share,
            unit="% of a core",
            goal="about none: < 3 %",
            met=share < 0.03,
        ),
        figure(
            "P11c",
            "memory of each further workflow that a worker keeps",
            value=idle.each / 1000,
            unit="kB",
            limit=60,
            ratio=idle.each / 60_000,
            goal="<= 60 kB",
            met=idle.each <= 60_000,
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Resident bytes of both processes, their share of a core, and bytes of each workflow more."""

    memory: int
    share: float
    each: float


async def run_idle(temporal: EmbeddedTemporal, database_url: str) -> Idle:
    """What both processes use while nothing is due."""
    messages = make_subscriptions(
        database_url, datetime.now(UTC) - timedelta(days=1), OPEN_WORKFLOWS
    )
    task_queue = f"queue-{uuid4()}"
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": temporal.address,
        "FLUXRATE_TASK_QUEUE": task_queue,
        "FLUXRATE_SECRET_KEY": SECRET,
    }
    client = await connect(temporal.address)
    workflows = SubscriptionWorkflows(client, task_queue=task_queue)
    api = ["-m", "cli.main", "api", "--processes", "1", "--port", str(choose_port())]
    async with running(api, environment) as serving, working(environment, CACHED) as worker:
        await workflows.wake_all(messages)
        await until_all_sleep(client, task_queue)
        before = cpu_of([serving, worker])
        await asyncio.sleep(IDLE_SECONDS)
        share = (cpu_of([serving, worker]) - before) / IDLE_SECONDS
        memory = resident_bytes(serving) + resident_bytes(worker)
    held = []
    for cached in (CACHED, CACHED + MORE_CACHED):
        async with working(environment, cached) as worker:
            await workflows.wake_all(messages[: CACHED + MORE_CACHED])
            await until_idle(worker)
            held.append(resident_bytes(worker))
    return Idle(memory=memory, share=share, each=(held[1] - held[0]) / MORE_CACHED)


def working(environment: dict[str, str], cached: int) -> AbstractAsyncContextManager[int]:
    """A worker that keeps so many workflows."""
    return running(["worker.py"], {**environment, "FLUXRATE_WORKER_CACHED_WORKFLOWS": str(cached)})


async def until_idle(pid: int) -> None:
    """The process has had nothing to do for a while."""
    await asyncio.sleep(UNANSWERED_SECONDS)
    before = cpu_of([pid])
    while True:
        await asyncio.sleep(5)
        now = cpu_of([pid])
        if now - before < 0.5:
            return
        before = now


@asynccontextmanager
async def running(words: list[str], environment: dict[str, str]) -> AsyncIterator[int]:
    """A process of the product, by its id, until the end of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process.pid
    finally:
        process.kill()
        await process.wait()


async def until_all_sleep(client: Client, task_queue: str) -> None:
    """Wait until every workflow shows its first period, and a little longer."""
    query = f"TaskQueue = '{task_queue}' AND PeriodIndex = 0"
    deadline = time.monotonic() + MOST_SECONDS
    while (await client.count_workflows(query)).count < OPEN_WORKFLOWS:
        assert time.monotonic() < deadline, "the workflows do not fall asleep"
        await asyncio.sleep(1)
    await asyncio.sleep(10)


def resident_bytes(pid: int) -> int:
    """What the process holds in memory; what several processes share counts in parts."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    [kibibytes] = re.findall(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return 1024 * int(kibibytes)


if __name__ == "__main__":
    for one in measure():
        print(one)
