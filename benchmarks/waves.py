"""Workflows of many subscriptions that wake at one instant, and what that costs."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Protocol
from uuid import UUID, uuid4

import psycopg
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client

from billing.periods import Anchor, Cadence, Interval, period
from runtime.embedded.engines import EmbeddedTemporal
from runtime.processes.cores import default_worker_processes
from runtime.subscription_workflows import SubscriptionWorkflows
from runtime.temporal import connect
from services.operations.outbox import WakeMessage
from workflows.names import SEARCH_ATTRIBUTES, subscription_workflow_id

WORKER_PROCESSES = default_worker_processes()
WORKERS = ("-m", "cli.work", "--processes", str(WORKER_PROCESSES))
"""As ``fluxrate up`` starts them on this machine."""
SETTLE_SECONDS = 5.0
WAVE_SECONDS = 600.0
SAMPLE = 20
TICKS = os.sysconf("SC_CLK_TCK")
ACTIONS = ("TIMER_STARTED", "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpu:
    """Seconds of processor time that the parts of an installation have used."""

    temporal: float
    worker: float
    database: float

    def since(self, before: Cpu) -> Cpu:
        """What was used since then."""
        return Cpu(
            temporal=self.temporal - before.temporal,
            worker=self.worker - before.worker,
            database=self.database - before.database,
        )

    @property
    def seconds(self) -> float:
        """Of all of them."""
        return self.temporal + self.worker + self.database


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """How one wave went, and what processor time it took."""

    seconds: float
    cpu: Cpu
    events_a_bill: float
    actions_a_bill: float

    @property
    def cpu_seconds(self) -> float:
        """Of Temporal's server, the worker and the database together."""
        return self.cpu.seconds


class Temporal(Protocol):
    """A server of some kind that workflows run on."""

    @property
    def address(self) -> str:
        """Where clients connect."""
        ...

    @property
    def pids(self) -> tuple[int, ...]:
        """Its processes, without a database of their own."""
        ...


@contextmanager
def running_temporal() -> Iterator[EmbeddedTemporal]:
    """A server of its own with its state in a file, gone afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="fluxrate-benchmark-"))
    server = EmbeddedTemporal(directory, SEARCH_ATTRIBUTES)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def lead_time(count: int) -> timedelta:
    """Enough to make the subscriptions and to let all workflows fall asleep."""
    return timedelta(seconds=20 + count / 20)


def running_period(ends_at: datetime) -> tuple[datetime, datetime]:
    """A monthly period that ends about then, whatever the length of the month before it."""
    for days in (31, 30, 29, 28):
        begins_at = (ends_at - timedelta(days=days)).replace(microsecond=0)
        first = period(Anchor(starts_at=begins_at), Cadence(interval=Interval.MONTH), 0)
        if abs(first.ends_at - ends_at) < timedelta(seconds=2):
            return begins_at, first.ends_at
    raise AssertionError("no month ends then")


async def start_worker(
    temporal: Temporal,
    words: Sequence[str],
    environment: dict[str, str],
    task_queue: str,
) -> asyncio.subprocess.Process:
    """The worker that ``words`` start, in one process or several, on a queue of its own."""
    settings = {
        **os.environ,
        **environment,
        "TEMPORAL_ADDRESS": temporal.address,
        "FLUXRATE_TASK_QUEUE": task_queue,
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        env=settings,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def run_wave(
    temporal: Temporal,
    words: Sequence[str],
    environment: dict[str, str],
    messages: Sequence[WakeMessage],
    *,
    ends_at: datetime,
    database: tuple[int, ...] = (),
) -> Wave:
    """Start the workflows, let them sleep, and watch them wake.

    ``database`` is the processes whose CPU counts besides those of Temporal and the worker.
    """
    task_queue = f"wave-{uuid4()}"
    client = await connect(temporal.address)
    workflows = SubscriptionWorkflows(client, task_queue=task_queue)
    await workflows.wake_all(messages)
    ids = [message.subscription_id for message in messages]
    worker = await start_worker(temporal, words, environment, task_queue)
    try:
        await asyncio.sleep(max(1.0, (ends_at - datetime.now(UTC)).total_seconds() - 1))
        before = await sample_histories(client, ids)
        cpu, started = look(temporal, worker, database), max(datetime.now(UTC), ends_at)
        finished = await until_all_bill(client, task_queue, len(ids))
        if "DATABASE_URL" in environment:
            finished = await until_all_final(environment["DATABASE_URL"], len(ids))
        await asyncio.sleep(SETTLE_SECONDS)
        spent = look(temporal, worker, database).since(cpu)
        after = await sample_histories(client, ids)
    finally:
        worker.kill()
        await worker.wait()
    events = [late[0] - early[0] for early, late in zip(before, after, strict=True)]
    actions = [late[1] - early[1] for early, late in zip(before, after, strict=True)]
    return Wave(
        seconds=(finished - started).total_seconds(),
        cpu=spent,
        events_a_bill=median(events),
        actions_a_bill=median(actions),
    )


async def until_all_bill(client: Client, task_queue: str, count: int) -> datetime:
    """The instant at which the last workflow shows its second period, which its bill precedes."""
    query = f"TaskQueue = '{task_queue}' AND PeriodIndex = 1"
    deadline = time.monotonic() + WAVE_SECONDS
    while (await client.count_workflows(query)).count < count:
        assert time.monotonic() < deadline, "the wave does not end"
        await asyncio.sleep(0.2)
    return datetime.now(UTC)


async def until_all_final(database_url: str, count: int) -> datetime:
    """The instant at which there are so many invoices that are no drafts."""
    deadline = time.monotonic() + WAVE_SECONDS
    connection = await psycopg.AsyncConnection.connect(database_url, autocommit=True)
    async with connection:
        while True:
            found = await connection.execute("SELECT count(*) FROM invoice WHERE status <> 'DRAFT'")
            if await found.fetchone() == (count,):
                return datetime.now(UTC)
            assert time.monotonic() < deadline, "the bills do not become final"
            await asyncio.sleep(0.2)


async def sample_histories(client: Client, ids: Sequence[UUID]) -> list[tuple[int, int]]:
    """Of some workflows, how many events their histories have, and how many of them are actions."""
    found = []
    for one in ids[:: max(1, len(ids) // SAMPLE)]:
        handle = client.get_workflow_handle(subscription_workflow_id(str(one)))
        history = await handle.fetch_history()
        names = [EventType.Name(event.event_type) for event in history.events]
        actions = sum(name.removeprefix("EVENT_TYPE_") in ACTIONS for name in names)
        found.append((len(names), actions))
    return found


def look(temporal: Temporal, worker: asyncio.subprocess.Process, database: Sequence[int]) -> Cpu:
    """What the parts have used so far."""
    return Cpu(
        temporal=cpu_of(temporal.pids), worker=cpu_of([worker.pid]), database=cpu_of(database)
    )


def cpu_of(pids: Sequence[int]) -> float:
    """Seconds of processor time that the processes and all their children have used so far."""
    return sum(_ticks_of(pid) for pid in pids) / TICKS


def _ticks_of(pid: int) -> int:
    # A child that has ended counts with its parent: the last two of the four.
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        # Each thread has those that it began.
        threads = Path(f"/proc/{pid}/task").glob("*/children")
        children = [child for one in threads for child in one.read_text().split()]
    except (FileNotFoundError, ProcessLookupError):  # ended since it was listed
        return 0
    return sum(map(int, fields[11:15])) + sum(_ticks_of(int(child)) for child in children)
