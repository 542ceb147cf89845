"""P12, P14: reads over HTTP at eight connections, beside the least that answers from a database.

    python -m benchmarks reads

The bare server finds an invoice and its lines by one statement and writes what the database gives,
for whoever asks. Rounds alternate after a warm-up, median of three; the generator runs on the cores
of what it measures, so the CPU time of a request says more than the rate on a busy machine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import psycopg
from httpx2 import Client

from benchmarks.figures import Result, figure
from benchmarks.invoiced import IN_SESSION, INVOICE, METERS, PREVIEW, Installation, get, set_up
from benchmarks.load import Load, require_statuses, run_load
from benchmarks.servers import (
    make_database,
    running_api,
    running_postgres,
    running_process,
)
from runtime.embedded.processes import choose_port

READS_A_ROUND: Final = int(os.environ.get("BENCHMARK_READS", "4000"))
ROUNDS: Final = 3
CONNECTIONS: Final = 8
GOAL_RATE: Final = 1450
GOAL_MILLISECONDS: Final = 17.0
GOAL_SHARE: Final = 0.35
GOAL_TIMES: Final = 1.5
GOAL_LISTS: Final = 300
GOAL_MILLISECONDS_OF_PREVIEWS: Final = 25.0
GOAL_PREVIEW_TIMES: Final = 5.0

ROLLUPS: Final = "roll-ups"
SINGLE_READS: Final = (
    IN_SESSION,
    "GET /subscriptions/{id}",
    "GET /customers/{id}",
    "GET /plans/{id}",
    "explain",
)
LISTS: Final = ("20 invoices", "20 subscriptions", "20 customers")


@dataclass(frozen=True, slots=True)
class Round:
    """What a round took, and the CPU of the process that answered."""

    load: Load
    cpu_milliseconds: float


def measure() -> list[Result]:
    """Reads a second beside the bare server's, and their 99th percentiles."""
    with running_postgres() as server:
        database_url = make_database(server)
        with running_api(database_url) as url:
            installation = set_up(url)
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
            environment = {
                "DATABASE_URL": database_url,
                "BENCHMARK_ORGANIZATION": installation.organization_id,
            }
            port = choose_port()
            words = ["-m", "benchmarks.bare_reader", str(port)]
            with running_process(words, environment, f"http://127.0.0.1:{port}", "/livez") as bare:
                return show(run_rounds(url, bare, installation))


def run_rounds(url: str, bare: str, installation: Installation) -> dict[str, list[Round]]:
    """Each kind of request and each limit in turn, a short round of each to warm up."""
    limits = {
        f"bare {INVOICE}": [get(bare, f"/invoices/{one}") for one in installation.invoices],
        f"bare {ROLLUPS}": [
            get(bare, f"/subscriptions/{one}/usage") for one in installation.subscriptions
        ],
    }
    asked = {name: (url, requests) for name, requests in installation.requests.items()}
    asked |= {name: (bare, requests) for name, requests in limits.items()}
    for address, requests in asked.values():
        run(address, requests, READS_A_ROUND // 20)
    rounds: dict[str, list[Round]] = {name: [] for name in asked}
    for _ in range(ROUNDS):
        for name, (address, requests) in asked.items():
            rounds[name].append(run(address, requests, READS_A_ROUND))
    return rounds


def run(url: str, requests: Sequence[bytes], count: int) -> Round:
    """A round of the requests in turn."""
    before = cpu_seconds(url)
    load = run_load(
        url,
        [requests[place % len(requests)] for place in range(count)],
        connections=CONNECTIONS,
    )
    require_statuses(load, 200)
    return Round(load, 1000 * (cpu_seconds(url) - before) / count)


def cpu_seconds(url: str) -> float:
    """What the process at an address says that it has used of a core so far."""
    with Client(trust_env=False) as http:
        lines = http.get(f"{url}/metrics").text.splitlines()
    [text] = [line for line in lines if line.startswith("process_cpu_seconds_total ")]
    return float(text.split()[1])


def show(rounds: Mapping[str, Sequence[Round]]) -> list[Result]:
    """P12 and P14."""
    bare, first = f"bare {INVOICE}", _speed(rounds[INVOICE])
    share = _ratio(rounds[INVOICE], rounds[bare])
    results = [
        figure(
            "P14",
            f"{INVOICE} with its lines at {CONNECTIONS} connections, {_cpu(rounds[INVOICE])}",
            value=first,
            unit="reads/s",
            limit=_speed(rounds[bare]),
            ratio=share,
            goal=f"≥ {GOAL_RATE:,}/s, ≥ {GOAL_SHARE} of a bare read",
            met=first >= GOAL_RATE and share >= GOAL_SHARE,
        ),
        figure(
            "P14.p99",
            f"{INVOICE}, 99th percentile",
            value=_p99(rounds[INVOICE]),
            unit="ms",
            limit=_p99(rounds[bare]),
            ratio=_p99(rounds[INVOICE]) / _p99(rounds[bare]),
            goal=f"≤ {GOAL_MILLISECONDS:.0f} ms",
            met=_p99(rounds[INVOICE]) <= GOAL_MILLISECONDS,
        ),
    ]
    for place, name in enumerate((*SINGLE_READS, *LISTS)):
        least = GOAL_LISTS if name in LISTS else first / GOAL_TIMES
        results.append(
            figure(
                f"P14.{place}",
                f"{name}, {_cpu(rounds[name])}, p99 {_p99(rounds[name]):.1f} ms",
                value=_speed(rounds[name]),
                unit="reads/s",
                limit=first,
                ratio=_ratio(rounds[name], rounds[INVOICE]),
                goal=f"≥ {least:,.0f}/s",
                met=_speed(rounds[name]) >= least,
            )
        )
    return [*results, _show_preview(rounds)]


def _show_preview(rounds: Mapping[str, Sequence[Round]]) -> Result:
    previews, rollups = rounds[PREVIEW], rounds[f"bare {ROLLUPS}"]
    p99, times = _p99(previews), 1 / _ratio(previews, rollups)
    return figure(
        "P12",
        f"preview of the open period with {METERS} meters, 99th percentile, {_cpu(previews)}",
        value=p99,
        unit="ms",
        limit=_p99(rollups),
        ratio=times,
        goal=f"≤ {GOAL_MILLISECONDS_OF_PREVIEWS:.0f} ms, ≤ {GOAL_PREVIEW_TIMES:.0f} × the roll-ups",
        met=p99 <= GOAL_MILLISECONDS_OF_PREVIEWS and times <= GOAL_PREVIEW_TIMES,
    )


def _speed(rounds: Sequence[Round]) -> float:
    return median(one.load.requests_a_second for one in rounds)


def _p99(rounds: Sequence[Round]) -> float:
    return median(one.load.p99_milliseconds for one in rounds)


def _ratio(rounds: Sequence[Round], limits: Sequence[Round]) -> float:
    """Of rounds that ran one after the other."""
    pairs = zip(rounds, limits, strict=True)
    return median(one.load.requests_a_second / two.load.requests_a_second for one, two in pairs)


def _cpu(rounds: Sequence[Round]) -> str:
    return f"{median(one.cpu_milliseconds for one in rounds):.2f} ms of CPU"
