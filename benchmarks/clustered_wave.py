"""P6f and P6g: a wave on a real Temporal cluster, and another in which a part of it is killed.

    make temporal-server
    python -m benchmarks clustered_wave

Frontend, two history processes, matching and worker run on a PostgreSQL of their own, two workers
bill. In the second wave a worker and a history process are killed at once, twice. It is not among
the benchmarks that run by default, for it needs a server that is built from its source.
"""

from __future__ import annotations

import asyncio
import resource

from benchmarks.figures import Result, figure
from benchmarks.killed_wave import SUBSCRIPTIONS, count_wrong, run_wave
from benchmarks.servers import make_database, running_postgres
from benchmarks.waves import cpu_of
from deploy.cluster.temporal import PROGRAMS, Cluster, running_cluster
from runtime.embedded.engines import EmbeddedPostgres


def measure() -> list[Result]:
    """The rate of a wave and where its time went; then who was not billed exactly once."""
    if not (PROGRAMS / "server").exists():
        raise SystemExit(f"There is no server in {PROGRAMS}: build it with `make temporal-server`.")
    with running_postgres() as postgres, running_cluster() as cluster:
        results = measure_undisturbed(postgres, cluster)
        results += measure_killed(postgres, cluster)
    return results


def measure_undisturbed(postgres: EmbeddedPostgres, cluster: Cluster) -> list[Result]:
    """P6f: the rate, and the processor time of a bill by who spent it, workflows' start included.

    The workers are children of this process that have ended when the wave is over.
    """
    url = make_database(postgres, "undisturbed")
    before = spent_by(postgres, cluster)
    seconds = asyncio.run(run_wave(cluster, url, kills_at=()))
    after = spent_by(postgres, cluster)
    parts = {name: 1000 * (after[name] - before[name]) / SUBSCRIPTIONS for name in after}
    rate = SUBSCRIPTIONS / seconds
    return [
        figure(
            "P6f",
            f"a wave of {SUBSCRIPTIONS:,} bills on a cluster, two workers",
            value=rate,
            unit="bills/s",
        ),
        *(
            figure(
                f"P6f.{name}",
                f"CPU of {name.replace('_', ' ')} for each of them",
                value=part,
                unit="ms",
            )
            for name, part in parts.items()
        ),
    ]


def spent_by(postgres: EmbeddedPostgres, cluster: Cluster) -> dict[str, float]:
    """Seconds of processor time so far."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "temporal": cpu_of(cluster.pids),
        "its_postgresql": cpu_of(cluster.postgres.pids),
        "our_postgresql": cpu_of(postgres.pids),
        "workers": ended.ru_utime + ended.ru_stime,
    }


def measure_killed(postgres: EmbeddedPostgres, cluster: Cluster) -> list[Result]:
    """P6g: nobody is billed twice or forgotten."""
    url = make_database(postgres, "killed")
    seconds = asyncio.run(run_wave(cluster, url, kill_also=cluster.kill_history))
    wrong = count_wrong(url)
    return [
        figure(
            "P6g",
            f"subscriptions of {SUBSCRIPTIONS:,} not billed exactly once on a cluster, "
            "a worker and a history process killed twice",
            value=wrong,
            unit="subscriptions",
            limit=0,
            goal="0",
            met=wrong == 0,
        ),
        figure(
            "P6h",
            "that wave, kills and recovery included",
            value=SUBSCRIPTIONS / seconds,
            unit="bills/s",
        ),
    ]
