"""P11: memory and idle CPU of the API and a worker with ten thousand open subscriptions.

    python -m benchmarks open_workflows

``FLUXRATE_BENCHMARK_OWNERS`` sets how many workflows sleep, 10,000 by default.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from temporalio.client import Client

from benchmarks.figures import Result, figure
from benchmarks.servers import SECRET, free_port, make_database, running_postgres
from benchmarks.waves import cpu_of, make_subscriptions, running_temporal
from runtime.embedded.engines import EmbeddedTemporal
from runtime.subscription_workflows import SubscriptionWorkflows
from runtime.temporal import connect

OPEN_WORKFLOWS = int(os.environ.get("FLUXRATE_BENCHMARK_OWNERS", "10000"))
IDLE_SECONDS = 30
MOST_SECONDS = 3600.0
MEGABYTE = 1_000_000


def measure() -> list[Result]:
    """What both processes hold and use once every workflow sleeps."""
    with running_postgres() as postgres, running_temporal() as temporal:
        url = make_database(postgres)
        memory, share = asyncio.run(run_idle(temporal, url))
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
    ]


async def run_idle(temporal: EmbeddedTemporal, database_url: str) -> tuple[float, float]:
    """Resident bytes, and the share of a core that both processes use while nothing is due."""
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
    api = ["-m", "cli.main", "api", "--processes", "1", "--port", str(free_port())]
    processes = [await start(words, environment) for words in (api, ["worker.py"])]
    try:
        client = await connect(temporal.address)
        await SubscriptionWorkflows(client, task_queue=task_queue).wake_all(messages)
        await until_all_sleep(client, task_queue)
        pids = [one.pid for one in processes]
        before = cpu_of(pids)
        await asyncio.sleep(IDLE_SECONDS)
        share = (cpu_of(pids) - before) / IDLE_SECONDS
        memory = sum(resident_bytes(pid) for pid in pids)
    finally:
        for process in processes:
            process.kill()
            await process.wait()
    return memory, share


async def start(words: list[str], environment: dict[str, str]) -> asyncio.subprocess.Process:
    """A process of the product."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


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
