"""P17: credit is set aside before an expensive job, against an entitlement check; and its balance.

    python -m benchmarks holds

The wallets have 50 grants each. Rounds of holds and checks alternate after a warm-up, median of
three, by as many connections; the generator runs on the cores of what it measures.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median

import psycopg
from httpx2 import Client

from benchmarks import entitlements
from benchmarks.entitlements import CUSTOMERS, PATH
from benchmarks.figures import Result, figure
from benchmarks.load import Load, encode, prepare, require_statuses, run_load
from benchmarks.servers import make_database, running_api, running_postgres

HOLDS_A_ROUND = int(os.environ.get("BENCHMARK_HOLDS", "2000"))
ROUNDS = 3
GRANTS = 50
UNIT = "TOKENS"
CONNECTIONS = 8
GOAL_RATIO = 0.5
GOAL_MILLISECONDS = 10.0


def measure() -> list[Result]:
    """Holds a second beside checks, and the 99th percentile of reading a balance."""
    with running_postgres() as server:
        database_url = make_database(server)
        with running_api(database_url) as url:
            _, key = entitlements.set_up(url, "billing.read", "billing.write")
            ids = set_up(url, key)
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute("ANALYZE")
            hold = partial(run_holds, url, key, ids)
            check = partial(entitlements.run, url, f"/api/v1{PATH}", {"X-API-Key": key})
            balance = partial(run_balances, url, key, ids)
            for warm_up in (hold, check, balance):
                warm_up(HOLDS_A_ROUND // 10)
            rounds = [
                (hold(HOLDS_A_ROUND), check(HOLDS_A_ROUND), balance(HOLDS_A_ROUND))
                for _ in range(ROUNDS)
            ]
    speed = median(one.requests_a_second for one, _, _ in rounds)
    checks = median(one.requests_a_second for _, one, _ in rounds)
    ratio = median(one.requests_a_second / other.requests_a_second for one, other, _ in rounds)
    p99 = median(one.p99_milliseconds for _, _, one in rounds)
    return [
        figure(
            "P17",
            f"holds of credit of wallets with {GRANTS} grants",
            value=speed,
            unit="holds/s",
            limit=checks,
            ratio=ratio,
            goal=f"≥ {GOAL_RATIO} of an entitlement check",
            met=ratio >= GOAL_RATIO,
        ),
        figure(
            "P17.balance",
            f"balance of a wallet with {GRANTS} grants at {CONNECTIONS} connections, 99th"
            " percentile",
            value=p99,
            unit="ms",
            limit=GOAL_MILLISECONDS,
            ratio=p99 / GOAL_MILLISECONDS,
            goal=f"≤ {GOAL_MILLISECONDS:.0f} ms",
            met=p99 <= GOAL_MILLISECONDS,
        ),
    ]


def run_holds(url: str, key: str, ids: list[str], holds: int) -> Load:
    """A round of holds of the customers in turn."""
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    requests = [
        prepare(
            url,
            "/api/v1/credits/holds",
            encode(
                {
                    "customer_id": ids[place % len(ids)],
                    "unit": UNIT,
                    "amount": 1,
                    "expires_at": until,
                }
            ),
            {"X-API-Key": key},
        )
        for place in range(holds)
    ]
    load = run_load(url, requests, connections=entitlements.CONNECTIONS)
    require_statuses(load, 201)
    return load


def run_balances(url: str, key: str, ids: list[str], reads: int) -> Load:
    """A round of balances of the customers in turn."""
    requests = [
        prepare(
            url,
            f"/api/v1/customers/{ids[place % len(ids)]}/balance?unit={UNIT}",
            b"",
            {"X-API-Key": key},
        ).replace(b"POST ", b"GET ", 1)
        for place in range(reads)
    ]
    load = run_load(url, requests, connections=CONNECTIONS)
    require_statuses(load, 200)
    return load


def set_up(url: str, key: str) -> list[str]:
    """Every customer has many grants; gives their ids."""
    headers = {"X-API-Key": key}
    with Client(base_url=f"{url}/api/v1", timeout=60, trust_env=False, headers=headers) as http:

        def post(path: str, body: object) -> None:
            http.post(path, json=body).raise_for_status()

        post("/units", {"code": UNIT, "name": "Tokens", "scale": 0})
        ids = [
            str(http.get(f"/customers/customer-{number}").raise_for_status().json()["id"])
            for number in range(CUSTOMERS)
        ]
        for customer_id in ids:
            for _ in range(GRANTS):
                post(f"/customers/{customer_id}/grants", {"unit": UNIT, "amount": 1000})
    return ids
