"""A wave of closes on two workers, of which one is killed twice: everybody is billed once.

    python -m benchmarks killed_wave

All subscriptions end their first period at one instant. Two workers share them; one of them is
killed with SIGKILL in the middle of its work, started again, and killed again.
``FLUXRATE_BENCHMARK_WAVE`` sets how many subscriptions there are, 2,000 by default.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
from temporalio.client import Client

from benchmarks.figures import Result, figure
from benchmarks.servers import make_database, running_postgres
from benchmarks.wave_subscriptions import make_subscriptions
from benchmarks.waves import (
    WAVE_SECONDS,
    Temporal,
    lead_time,
    running_period,
    running_temporal,
    until_all_bill,
)
from runtime.subscription_workflows import SubscriptionWorkflows
from runtime.temporal import connect

SUBSCRIPTIONS = int(os.environ.get("FLUXRATE_BENCHMARK_WAVE", "2000"))
FINAL_SECONDS, PAUSE_SECONDS = 60.0, 0.5
KILLS_AT = (0.15, 0.4)
"""The shares of the wave after which a worker dies."""

BILLED_ONCE = """
SELECT count(*), count(DISTINCT subscription_id), count(DISTINCT invoice_number),
    count(*) FILTER (WHERE status = 'OPEN' AND period_index = 0)
FROM invoice
"""


def measure() -> list[Result]:
    """How many were billed other than exactly once, and the rate of the wave."""
    with running_postgres() as postgres, running_temporal() as temporal:
        url = make_database(postgres)
        seconds = asyncio.run(run_wave(temporal, url))
        wrong = count_wrong(url)
    rate = SUBSCRIPTIONS / seconds
    return [
        figure(
            "P6d",
            f"subscriptions of {SUBSCRIPTIONS:,} not billed exactly once, a worker killed twice",
            value=wrong,
            unit="subscriptions",
            limit=0,
            goal="0",
            met=wrong == 0,
        ),
        figure(
            "P6e",
            f"that wave of {SUBSCRIPTIONS:,} bills on two workers, kills and recovery included",
            value=rate,
            unit="bills/s",
        ),
    ]


async def run_wave(
    temporal: Temporal,
    database_url: str,
    kill_also: Callable[[], None] = lambda: None,
    kills_at: Sequence[float] = KILLS_AT,
) -> float:
    """Seconds from the common end of all periods until the last one is billed.

    ``kill_also`` ends what else is to die whenever the worker does.
    """
    begins_at, ends_at = running_period(datetime.now(UTC) + 2 * lead_time(SUBSCRIPTIONS))
    messages = make_subscriptions(database_url, begins_at, SUBSCRIPTIONS)
    task_queue = f"wave-{uuid4()}"
    client = await connect(temporal.address)
    await SubscriptionWorkflows(client, task_queue=task_queue).wake_all(messages)
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": temporal.address,
        "FLUXRATE_TASK_QUEUE": task_queue,
    }
    workers = [await start_worker(environment) for _ in range(2)]
    try:
        await asyncio.sleep(max(0.0, (ends_at - datetime.now(UTC)).total_seconds()))
        started = max(datetime.now(UTC), ends_at)
        for share in kills_at:
            await until_share(client, task_queue, share)
            workers[0].kill()
            await workers[0].wait()
            kill_also()
            workers[0] = await start_worker(environment)
        await until_all_bill(client, task_queue, SUBSCRIPTIONS)
        finished = await until_all_billed_once(database_url)
    finally:
        for worker in workers:
            worker.kill()
            await worker.wait()
    return (finished - started).total_seconds()


async def start_worker(environment: dict[str, str]) -> asyncio.subprocess.Process:
    """The product's worker."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "worker.py",
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def until_share(client: Client, task_queue: str, share: float) -> None:
    """Wait until so many of the wave show their second period."""
    query = f"TaskQueue = '{task_queue}' AND PeriodIndex = 1"
    deadline = time.monotonic() + WAVE_SECONDS
    while (await client.count_workflows(query)).count < share * SUBSCRIPTIONS:
        assert time.monotonic() < deadline, "the wave does not begin"
        await asyncio.sleep(0.1)


async def until_all_billed_once(database_url: str) -> datetime:
    """The instant at which as many invoices are final as there are subscriptions, or a minute on.

    A workflow shows its new period once the old one has its draft, a moment before that is final.
    """
    for _ in range(int(FINAL_SECONDS / PAUSE_SECONDS)):
        if count_wrong(database_url) == 0:
            break
        await asyncio.sleep(PAUSE_SECONDS)
    return datetime.now(UTC)


def count_wrong(database_url: str) -> int:
    """How many subscriptions lack their one open invoice, or have more than one."""
    with psycopg.connect(database_url) as connection:
        counted = connection.execute(BILLED_ONCE).fetchone()
    assert counted is not None
    return max(abs(SUBSCRIPTIONS - int(one)) for one in counted)
