"""P1–P5 and P10: ingestion over HTTP against its own statement, freshness, and reading at scale.

    python -m benchmarks ingestion

Each figure is measured beside its limit in the same run, rounds alternating, median of three. The
generator runs on the same cores as what it measures.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.backend import LIST_ROWS, Backend
from benchmarks.figures import Result, figure
from benchmarks.load import Load, encode, prepare, require_statuses, run_load
from benchmarks.servers import make_database, running_api, running_postgres
from benchmarks.servers import running_process as running
from benchmarks.single_table import prepare_single_table, write_single_table
from benchmarks.usage_growth import measure_growth
from runtime.embedded.processes import choose_port

SINGLES_A_ROUND = int(os.environ.get("BENCHMARK_SINGLES", "10000"))
ROUNDS = 3
SINGLE_CONNECTIONS = 128


def measure() -> list[Result]:
    """Measure everything of this module."""
    with running_postgres() as server:
        database_url = make_database(server)
        with running_api(database_url) as url:
            client = Backend(url, database_url)
            client.introduce_customers()
            results = measure_lists(client) + measure_freshness(client)
        results += measure_singles(client, server.ensure_database("naive"))
        return results + measure_growth(make_database(server, "growth"))


@dataclass(slots=True)
class ListRound:
    """Events a second of one round."""

    product: float
    statement: float
    single_table: float
    duplicates: float


def measure_lists(client: Backend) -> list[Result]:
    """P1 and P3: lists of 100, then the same lists again."""
    prepare_single_table(client.database_url)
    rounds = []
    for _ in range(ROUNDS):
        lists = client.lists()
        events = len(lists) * LIST_ROWS
        fresh = client.send_lists(lists)
        require_counts(fresh, "accepted", events)
        statement = client.write_directly(client.lists())
        single_table = write_single_table(client)
        again = client.send_lists(lists)
        require_counts(again, "duplicates", events)
        rounds.append(
            ListRound(
                product=events / fresh.seconds,
                statement=events / statement,
                single_table=events / single_table,
                duplicates=events / again.seconds,
            )
        )
    return report_lists(rounds)


def report_lists(rounds: Sequence[ListRound]) -> list[Result]:
    product = median(one.product for one in rounds)
    share = median(one.product / one.statement for one in rounds)
    cost = median(one.product / one.duplicates for one in rounds)
    return [
        figure(
            "P1",
            "events/s over HTTP in lists of 100, against our statement by two writers",
            value=product,
            unit="events/s",
            limit=median(one.statement for one in rounds),
            ratio=share,
            goal=">= 0.60",
            met=share >= 0.60,
        ),
        figure(
            "P1b",
            "the same beside a single table with roll-up, by two writers",
            value=product,
            unit="events/s",
            limit=median(one.single_table for one in rounds),
            ratio=median(one.product / one.single_table for one in rounds),
        ),
        figure(
            "P3",
            "duplicates/s; all were caught; the ratio is their cost against a fresh event's",
            value=median(one.duplicates for one in rounds),
            unit="events/s",
            limit=product,
            ratio=cost,
            goal="<= 1.05",
            met=cost <= 1.05,
        ),
    ]


def measure_freshness(client: Backend) -> list[Result]:
    """P4: usage read after the answer includes the event, every time."""
    stale, tries = 0, 50
    customer_id = client.customers["customer-0"]
    path = f"/meters/{client.meter['id']}/usage"

    def usage() -> int:
        query = {"customer_id": customer_id}
        return int(client.http.get(path, params=query).json()["event_count"])

    before = usage()
    for number in range(1, tries + 1):
        answer = client.http.post(
            "/sdk/track", json=client.row("customer-0"), headers=client.headers
        )
        answer.raise_for_status()
        stale += usage() != before + number
    name = f"reads after an answer that miss its event, of {tries}"
    return [figure("P4", name, value=stale, unit="reads", limit=0, goal="0", met=stale == 0)]


def measure_singles(client: Backend, naive_url: str) -> list[Result]:
    """P2: single events at 128 connections, beside a first version's server."""
    port = choose_port()
    address = f"http://127.0.0.1:{port}"
    words, environment = ["-m", "benchmarks.naive_server", str(port)], {"DATABASE_URL": naive_url}
    ours: list[Load] = []
    naive: list[Load] = []
    for _ in range(ROUNDS):
        with running_api(client.database_url) as url:
            ours.append(send_singles(client, url))
        with running(words, environment, address, "/livez"):
            naive.append(send_singles(client, address))
    speed = median(one.requests_a_second for one in ours)
    limit = median(one.requests_a_second for one in naive)
    p99 = median(one.p99_milliseconds for one in ours)
    return [
        figure(
            "P2",
            "single events/s, durable before the answer, against FastAPI + INSERT",
            value=speed,
            unit="events/s",
            limit=limit,
            ratio=speed / limit,
            goal=">= 3",
            met=speed / limit >= 3,
        ),
        figure(
            "P2b",
            "p99 of a single event at 128 connections",
            value=p99,
            unit="ms",
            limit=50,
            ratio=p99 / 50,
            goal="<= 50 ms",
            met=p99 <= 50,
        ),
    ]


def send_singles(client: Backend, url: str) -> Load:
    """A warm-up, then a round of single events."""

    def make() -> bytes:
        return prepare(url, "/api/v1/sdk/track", encode(client.row()), client.headers)

    run_load(url, [make() for _ in range(500)], connections=SINGLE_CONNECTIONS)
    requests = [make() for _ in range(SINGLES_A_ROUND)]
    load = run_load(url, requests, connections=SINGLE_CONNECTIONS)
    require_statuses(load, 201)
    return load


def require_counts(load: Load, name: str, expected: int) -> None:
    """Every event was answered as it should be."""
    counted = sum(json.loads(body)[name] for body in load.bodies)
    if counted != expected:
        raise SystemExit(f"{counted} of {expected} events were {name}")
