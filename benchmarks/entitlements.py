"""P9: an entitlement check over HTTP, against the least that answers from a database.

    python -m benchmarks entitlements

The bare server finds the customer and sums their usage, and knows neither keys nor limits. Rounds
alternate after a warm-up, median of three; the generator runs on the cores of what it measures.
"""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from httpx2 import Client

from benchmarks.figures import Result, figure
from benchmarks.load import HEAD_END, Load, require_statuses, run_load
from benchmarks.servers import (
    make_database,
    running_api,
    running_postgres,
    running_process,
)
from runtime.embedded.processes import choose_port

CHECKS_A_ROUND = int(os.environ.get("BENCHMARK_CHECKS", "20000"))
ROUNDS = 3
CONNECTIONS = 16
CUSTOMERS = 50
EVENTS = 5000
PATH = "/customers/{}/entitlements/calls"
GOAL_RATIO = 0.70
GOAL_MILLISECONDS = 8.0


def measure() -> list[Result]:
    """Checks a second, beside the bare server's, and their 99th percentile."""
    with running_postgres() as server:
        database_url = make_database(server)
        with running_api(database_url) as url:
            organization_id, key = set_up(url)
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute("ANALYZE")
            environment = {"DATABASE_URL": database_url, "BENCHMARK_ORGANIZATION": organization_id}
            port = choose_port()
            words = ["-m", "benchmarks.bare_reader", str(port)]
            with running_process(words, environment, f"http://127.0.0.1:{port}", "/livez") as bare:
                ours = partial(run, url, f"/api/v1{PATH}", {"X-API-Key": key})
                limit = partial(run, bare, PATH, {})
                for warm_up in (ours, limit):
                    warm_up(CHECKS_A_ROUND // 10)
                pairs = [(ours(CHECKS_A_ROUND), limit(CHECKS_A_ROUND)) for _ in range(ROUNDS)]
    speed = median(one.requests_a_second for one, _ in pairs)
    bare_speed = median(one.requests_a_second for _, one in pairs)
    ratio = median(one.requests_a_second / bare.requests_a_second for one, bare in pairs)
    p99 = median(one.p99_milliseconds for one, _ in pairs)
    bare_p99 = median(one.p99_milliseconds for _, one in pairs)
    return [
        figure(
            "P9",
            "entitlement check, authenticated, exact, of usage that rests",
            value=speed,
            unit="checks/s",
            limit=bare_speed,
            ratio=ratio,
            goal=f"≥ {GOAL_RATIO} of a bare read",
            met=ratio >= GOAL_RATIO,
        ),
        figure(
            "P9.p99",
            f"entitlement check at {CONNECTIONS} connections, 99th percentile",
            value=p99,
            unit="ms",
            limit=bare_p99,
            ratio=p99 / bare_p99,
            goal=f"≤ {GOAL_MILLISECONDS:.0f} ms",
            met=p99 <= GOAL_MILLISECONDS,
        ),
    ]


def run(url: str, path: str, headers: dict[str, str], checks: int) -> Load:
    """A round of checks of the customers in turn."""
    names = [f"customer-{place % CUSTOMERS}" for place in range(checks)]
    lines = [
        f"Host: {urlsplit(url).netloc}",
        *(f"{name}: {text}" for name, text in headers.items()),
    ]
    requests = [
        "\r\n".join([f"GET {path.format(name)} HTTP/1.1", *lines]).encode() + HEAD_END
        for name in names
    ]
    load = run_load(url, requests, connections=CONNECTIONS)
    require_statuses(load, 200)
    return load


def set_up(url: str, *scopes: str) -> tuple[str, str]:
    """Subscribed customers with a month of usage; gives the organization and a key that reads it.

    The key has the scopes besides.
    """
    http = Client(base_url=f"{url}/api/v1", timeout=60, trust_env=False)

    def post(path: str, body: object) -> dict[str, object]:
        response = http.post(path, json=body)
        response.raise_for_status()
        return dict(response.json())

    signup = {"email": f"{uuid4()}@benchmark.test", "password": "correct-horse-9"}
    post("/auth/signup", signup | {"organization_name": "Benchmark"})
    organization_id = str(http.get("/organization").json()["id"])
    meter = {"meter_name": "calls", "aggregation_type": "SUM"}
    feature = post("/features", {"name": "Calls", "lookup_key": "calls", "type": "meter"} | meter)
    plan = {"name": "Plan", "lookup_id": "plan", "type": "HYBRID", "currency": "USD"}
    plan_id = post("/plans", plan | {"billing_interval": "month"})["id"]
    grant = {"feature_id": feature["id"], "is_enabled": True, "usage_limit": 10**9}
    post(f"/plans/{plan_id}/features", grant)
    now = datetime.now(UTC)
    start = (now - timedelta(days=20)).isoformat()
    for number in range(CUSTOMERS):
        name = f"customer-{number}"
        body = {"name": name, "email": "a@benchmark.test", "external_id": name}
        customer = post("/customers", body)
        ids = {"customer_id": customer["id"], "plan_id": plan_id}
        post("/subscriptions", ids | {"start_date": start})
    numbers = random.Random(1)
    rows = [
        {
            "meter_name": "calls",
            "customer_external_id": f"customer-{place % CUSTOMERS}",
            "quantity": numbers.randrange(1, 1000),
            "timestamp": (now - timedelta(minutes=numbers.randrange(28_000))).isoformat(),
        }
        for place in range(EVENTS)
    ]
    post("/usage/batch", rows)
    key = post("/api-keys", {"name": "Backend", "scopes": ["usage.read", *scopes]})["key"]
    return organization_id, str(key)
