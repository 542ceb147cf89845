"""P6 and P7: what a complete bill costs beside other shapes, how fast a wave goes, its history.

    python -m benchmarks closing

Workflows sleep until one instant. Then every one of them closes its period, bills it in five steps
and finalizes the invoice, without grace. The limit is the same wave with steps that do nothing,
in the same run, in as many processes; beside it stands a smaller wave of the usual shape, twelve
ordinary activities that write the same rows. ``FLUXRATE_BENCHMARK_BILLS`` sets the size of the
waves, 1,000 by default.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg

from benchmarks.empty_workflow import PERIOD_ENDS_AT
from benchmarks.figures import Result, figure
from benchmarks.servers import make_database, running_postgres
from benchmarks.wave_subscriptions import make_subscriptions, wake_messages_of
from benchmarks.waves import (
    WORKERS,
    Wave,
    lead_time,
    run_wave,
    running_period,
    running_temporal,
)
from models.base import new_id
from runtime.embedded.engines import EmbeddedTemporal

BILLS = int(os.environ.get("FLUXRATE_BENCHMARK_BILLS", "1000"))
USUAL_BILLS = min(BILLS, 200)
QUIET_BILLS = min(BILLS, 20)

EVENTS_OF_TWELVE = 3 * 12
"""Each ordinary activity is scheduled, started and completed."""


def measure() -> list[Result]:
    """Both waves, one after the other, on the same servers."""
    with running_postgres() as postgres, running_temporal() as temporal:
        url = make_database(postgres)
        empty = asyncio.run(run_empty(temporal))
        full = asyncio.run(run_full(temporal, url, WORKERS, BILLS, postgres.pids))
        quiet_url = make_database(postgres, "quiet")
        quiet = asyncio.run(run_full(temporal, quiet_url, WORKERS, QUIET_BILLS, postgres.pids))
        usual_words = ["-m", "benchmarks.twelve_activities"]
        usual_url = make_database(postgres, "usual")
        usual = asyncio.run(run_full(temporal, usual_url, usual_words, USUAL_BILLS, postgres.pids))
    assert usual.events_a_bill >= EVENTS_OF_TWELVE, "the usual shape took no ordinary activities"
    return [*figures_of_cost(empty, full, usual), *figures_of_history(quiet, full)]


def figures_of_cost(empty: Wave, full: Wave, usual: Wave) -> list[Result]:
    """P6: what a bill costs, and how many are made in a second."""
    ratio = full.cpu_seconds / empty.cpu_seconds
    rate = BILLS / full.seconds
    a_bill, a_usual_bill = full.cpu_seconds / BILLS, usual.cpu_seconds / USUAL_BILLS
    return [
        figure(
            "P6a",
            f"CPU of a complete bill, {_parts_of(full)}, beside empty steps",
            value=1000 * full.cpu_seconds / BILLS,
            unit="ms",
            limit=1000 * empty.cpu_seconds / BILLS,
            ratio=ratio,
            goal="<= 1.6",
            met=ratio <= 1.6,
        ),
        figure(
            "P6b",
            f"a wave of {BILLS:,} bills without grace, usage in three meters, beside empty steps",
            value=rate,
            unit="bills/s",
            limit=BILLS / empty.seconds,
            ratio=rate * empty.seconds / BILLS,
            goal=">= 0.7",
            met=rate * empty.seconds >= 0.7 * BILLS,
        ),
        figure(
            "P6c",
            "CPU of a complete bill beside twelve ordinary activities that write the same rows",
            value=1000 * a_bill,
            unit="ms",
            limit=1000 * a_usual_bill,
            ratio=a_bill / a_usual_bill,
            goal="<= 0.4",
            met=a_bill <= 0.4 * a_usual_bill,
        ),
    ]


def _parts_of(wave: Wave) -> str:
    """Whose it is, in milliseconds of each bill."""
    temporal, worker, database = (
        f"{1000 * one / BILLS:.1f}"
        for one in (wave.cpu.temporal, wave.cpu.worker, wave.cpu.database)
    )
    return f"Temporal's server {temporal}, worker {worker} and PostgreSQL {database} ms"


def figures_of_history(quiet: Wave, full: Wave) -> list[Result]:
    """P7: what a bill leaves in the server.

    A workflow that waits for its worker for more than ten seconds, as in a large wave, is given to
    any other by two more events.
    """
    return [
        figure(
            "P7a",
            "history events of a bill without grace: close, finalize and what it shows",
            value=quiet.events_a_bill,
            unit="events",
            limit=14,
            ratio=quiet.events_a_bill / 14,
            goal="<= 14",
            met=quiet.events_a_bill <= 14,
        ),
        figure(
            "P7b",
            "timers and search-attribute updates of a bill",
            value=quiet.actions_a_bill,
            unit="actions",
            limit=2,
            ratio=quiet.actions_a_bill / 2,
            goal="<= 2",
            met=quiet.actions_a_bill <= 2,
        ),
        figure(
            "P7c",
            f"history events of a bill in a wave of {BILLS:,}, where most wait over ten seconds",
            value=full.events_a_bill,
            unit="events",
        ),
    ]


async def run_empty(temporal: EmbeddedTemporal) -> Wave:
    """The wave whose steps do nothing."""
    ends_at = datetime.now(UTC) + lead_time(BILLS)
    messages = wake_messages_of(new_id(), [new_id() for _ in range(BILLS)])
    words = ["-m", "benchmarks.empty_workflow"]
    environment = {PERIOD_ENDS_AT: ends_at.isoformat()}
    return await run_wave(temporal, words, environment, messages, ends_at=ends_at)


async def run_full(
    temporal: EmbeddedTemporal,
    database_url: str,
    words: Sequence[str],
    count: int,
    database: tuple[int, ...],
) -> Wave:
    """The wave that bills, served by the worker that ``words`` start."""
    begins_at, ends_at = running_period(datetime.now(UTC) + 2 * lead_time(count))
    messages = make_subscriptions(database_url, begins_at, count)
    environment = {"DATABASE_URL": database_url}
    wave = await run_wave(
        temporal, words, environment, messages, ends_at=ends_at, database=database
    )
    with psycopg.connect(database_url) as connection:
        answer = connection.execute("SELECT count(*) FROM invoice WHERE status = 'OPEN'").fetchone()
    assert answer == (count,), f"{answer} invoices instead of {count}"
    return wave


if __name__ == "__main__":
    for one in measure():
        print(one)
