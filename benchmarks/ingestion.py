"""P1–P5 and P10: ingestion over HTTP against its own statement, freshness, and reading at scale.

    python -m benchmarks ingestion

Each figure is measured beside its limit in the same run, rounds alternating, median of three. The
generator runs on the same cores as what it measures.
"""

from __future__ import annotations

import json
import os
import pickle
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from threading import Thread
from time import perf_counter
from typing import Any
from uuid import uuid4

import psycopg
from httpx2 import Client

from benchmarks.direct_writer import prepare_list
from benchmarks.figures import Result, figure
from benchmarks.load import Load, encode, prepare, require_statuses, run_load
from benchmarks.servers import free_port, make_database, running_api, running_postgres
from benchmarks.servers import running_process as running
from benchmarks.usage_growth import measure_growth

Row = dict[str, Any]

LISTS_A_ROUND = int(os.environ.get("BENCHMARK_LISTS", "200"))
SINGLES_A_ROUND = int(os.environ.get("BENCHMARK_SINGLES", "10000"))
ROUNDS = 3
LIST_ROWS = 100
LIST_CONNECTIONS = 8
SINGLE_CONNECTIONS = 128
CUSTOMERS = 200


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


class Backend:
    """An organization with a meter and a key, and requests made for it."""

    def __init__(self, url: str, database_url: str) -> None:
        self.url, self.database_url = url, database_url
        self.http = Client(base_url=f"{url}/api/v1", timeout=60, trust_env=False)
        signup = {
            "email": f"{uuid4()}@benchmark.test",
            "password": "correct-horse-9",
            "organization_name": "Benchmark",
        }
        answer = self._post("/auth/signup", signup)
        self.organization_id: str = answer["organization"]["id"]
        feature = {
            "name": "Calls",
            "lookup_key": "calls",
            "type": "meter",
            "meter_name": "calls",
            "property_name": "calls",
            "aggregation_type": "SUM",
        }
        self._post("/features", feature)
        self.meter: Row = self.http.get("/meters").json()["data"][0]
        key = {"name": "Backend", "scopes": ["usage.write", "usage.read"]}
        self.headers = {"X-API-Key": self._post("/api-keys", key)["key"]}
        self.random = random.Random(1)
        self.customers: dict[str, str] = {}

    def _post(self, path: str, body: Row) -> Row:
        response = self.http.post(path, json=body)
        response.raise_for_status()
        return dict(response.json())

    def introduce_customers(self) -> None:
        """Every customer exists, and the running month has its partition."""
        rows = [self.row(f"customer-{number}") for number in range(CUSTOMERS)]
        self.http.post("/usage/batch", json=rows, headers=self.headers).raise_for_status()
        with psycopg.connect(self.database_url) as connection:
            found = connection.execute("SELECT external_id, id::text FROM customer").fetchall()
        self.customers = {str(name): str(identifier) for name, identifier in found}

    def row(self, customer: str | None = None) -> Row:
        """An event of the last hour with a key of its own."""
        age = timedelta(seconds=self.random.randrange(3600))
        return {
            "meter_token": self.meter["meter_token"],
            "customer_external_id": customer or f"customer-{self.random.randrange(CUSTOMERS)}",
            "quantity": self.random.randrange(1, 1000),
            "timestamp": (datetime.now(UTC) - age).isoformat(),
            "idempotency_key": str(uuid4()),
            "metadata": {"region": "eu"},
        }

    def lists(self) -> list[list[Row]]:
        """A round's lists."""
        return [[self.row() for _ in range(LIST_ROWS)] for _ in range(LISTS_A_ROUND)]

    def send_lists(self, lists: Sequence[Sequence[Row]]) -> Load:
        """The lists go to the product, eight connections at a time."""
        requests = [
            prepare(self.url, "/api/v1/usage/batch?results=errors", encode(rows), self.headers)
            for rows in lists
        ]
        load = run_load(self.url, requests, connections=LIST_CONNECTIONS, keep=True)
        require_statuses(load, 200)
        return load

    def write_directly(self, lists: Sequence[Sequence[Row]]) -> float:
        """Seconds that two writers with the bare statement take for the lists."""
        meter_id: str = self.meter["id"]
        prepared = [
            prepare_list(self.organization_id, meter_id, rows, self.customers) for rows in lists
        ]
        with tempfile.TemporaryDirectory() as directory:
            return run_writers(self.database_url, Path(directory), [prepared[::2], prepared[1::2]])


def run_writers(database_url: str, directory: Path, shares: Sequence[object]) -> float:
    """Seconds until the slower of the writers is done; they start together."""
    writers = []
    for number, share in enumerate(shares):
        path = directory / f"{number}.pickle"
        path.write_bytes(pickle.dumps(share))
        words = [sys.executable, "-m", "benchmarks.direct_writer", database_url, str(path)]
        writers.append(
            subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    return max(float(writer.communicate()[0]) for writer in writers)


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
    port = free_port()
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


SINGLE_TABLE = """
DROP TABLE IF EXISTS single_event, single_rollup;
CREATE TABLE single_event (
    key text PRIMARY KEY, customer uuid NOT NULL, timestamp timestamptz NOT NULL,
    quantity numeric NOT NULL
);
CREATE TABLE single_rollup (
    customer uuid, hour timestamptz, count bigint, total numeric, PRIMARY KEY (customer, hour)
);
"""

WRITE_SINGLE_TABLE = """
WITH stored AS (
    INSERT INTO single_event
    SELECT * FROM unnest(%s::text[], %s::uuid[], %s::timestamptz[], %s::numeric[])
    ON CONFLICT DO NOTHING
    RETURNING customer, timestamp, quantity
)
INSERT INTO single_rollup
SELECT customer, date_trunc('hour', timestamp, 'UTC'), count(*), sum(quantity) FROM stored
GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (customer, hour) DO UPDATE SET
    count = single_rollup.count + excluded.count, total = single_rollup.total + excluded.total
"""


def prepare_single_table(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(SINGLE_TABLE)


def write_single_table(client: Backend) -> float:
    """Seconds that two writers take for a round with the plainest statement that rolls up."""
    lists = [sorted(rows, key=lambda row: str(row["idempotency_key"])) for rows in client.lists()]
    columns = [
        (
            [row["idempotency_key"] for row in rows],
            [client.customers[row["customer_external_id"]] for row in rows],
            [row["timestamp"] for row in rows],
            [row["quantity"] for row in rows],
        )
        for rows in lists
    ]

    def write(share: Sequence[Any]) -> None:
        with psycopg.connect(client.database_url, autocommit=True) as connection:
            for parameters in share:
                connection.execute(WRITE_SINGLE_TABLE, parameters)

    writers = [Thread(target=write, args=(columns[start::2],)) for start in range(2)]
    began = perf_counter()
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    return perf_counter() - began
