"""An organization that sends usage to the product, and writers that go past it."""

from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from httpx2 import Client

from benchmarks.direct_writer import prepare_list
from benchmarks.load import Load, encode, prepare, require_statuses, run_load

Row = dict[str, Any]
LISTS_A_ROUND = int(os.environ.get("BENCHMARK_LISTS", "200"))
LIST_ROWS = 100
LIST_CONNECTIONS = 8
CUSTOMERS = 200


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
