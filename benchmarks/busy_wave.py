"""P8: what single events wait for while a wave of closes runs, beside an idle product.

    python -m benchmarks busy_wave

The same paced load, far below what the API can take, is sent twice: while all workflows sleep, and
from the instant at which all of them close, bill and finalize. Everything shares the machine.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from uuid import uuid4

from benchmarks.backend import Backend
from benchmarks.closing import BILLS
from benchmarks.figures import Result, figure
from benchmarks.load import Load, encode, prepare, require_statuses, run_paced
from benchmarks.servers import make_database, running_api, running_postgres
from benchmarks.wave_subscriptions import make_subscriptions
from benchmarks.waves import (
    WORKERS,
    lead_time,
    running_period,
    running_temporal,
    until_all_bill,
)
from runtime.embedded.engines import EmbeddedTemporal
from runtime.subscription_workflows import SubscriptionWorkflows
from runtime.temporal import connect

REQUESTS_A_SECOND = 100
SECONDS = 15
CONNECTIONS = 8


def measure() -> list[Result]:
    """The 99th percentile of a single event, idle and in the wave."""
    with running_postgres() as postgres, running_temporal() as temporal:
        database_url = make_database(postgres)
        with running_api(database_url) as url:
            backend = Backend(url, database_url)
            backend.introduce_customers()
            idle, busy = asyncio.run(run_both(temporal, backend))
    ratio = busy.p99_milliseconds / idle.p99_milliseconds
    return [
        figure(
            "P8",
            f"p99 of a single event at {REQUESTS_A_SECOND}/s in a wave of {BILLS:,} closes",
            value=busy.p99_milliseconds,
            unit="ms",
            limit=idle.p99_milliseconds,
            ratio=ratio,
            goal="<= 3 times idle, <= 60 ms",
            met=ratio <= 3 and busy.p99_milliseconds <= 60,
        )
    ]


async def run_both(temporal: EmbeddedTemporal, backend: Backend) -> tuple[Load, Load]:
    """The load while workflows sleep, and the load from the instant at which they wake."""
    begins_at, ends_at = running_period(datetime.now(UTC) + 2 * lead_time(BILLS))
    messages = make_subscriptions(backend.database_url, begins_at, BILLS)
    task_queue = f"wave-{uuid4()}"
    client = await connect(temporal.address)
    await SubscriptionWorkflows(client, task_queue=task_queue).wake_all(messages)
    environment = {
        **os.environ,
        "DATABASE_URL": backend.database_url,
        "TEMPORAL_ADDRESS": temporal.address,
        "FLUXRATE_TASK_QUEUE": task_queue,
    }
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        *WORKERS,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        asleep = (ends_at - datetime.now(UTC)).total_seconds() - SECONDS - 5
        await asyncio.sleep(max(0.0, asleep))
        idle = await send(backend)
        await asyncio.sleep(max(0.0, (ends_at - datetime.now(UTC)).total_seconds()))
        busy = await send(backend)
        await until_all_bill(client, task_queue, BILLS)
    finally:
        worker.kill()
        await worker.wait()
    return idle, busy


async def send(backend: Backend) -> Load:
    """Single events, evenly paced."""
    requests = [
        prepare(backend.url, "/api/v1/sdk/track", encode(backend.row()), backend.headers)
        for _ in range(REQUESTS_A_SECOND * SECONDS)
    ]
    load = await run_paced(
        backend.url, requests, connections=CONNECTIONS, a_second=REQUESTS_A_SECOND
    )
    require_statuses(load, 201)
    return load
