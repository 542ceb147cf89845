"""P14: what one organization and a crowd of logins do to another organization.

    python -m benchmarks fairness

One organization cancels twelve subscriptions to a daily plan that begin hundreds of days ago, and
hangs up after two seconds; thirty clients log in with names that nobody has; both begin again and
again, and every guess is compared. Meanwhile another organization lists its plans and reports usage
at an even pace; lateness counts. The crowd runs on the cores of what it disturbs. Rounds with and
without it alternate, median of three.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from urllib.parse import urlsplit
from uuid import uuid4

from httpx2 import Client

from benchmarks.figures import Result, figure
from benchmarks.load import HEAD_END, Load, encode, prepare, require_statuses, run_paced
from benchmarks.servers import make_database, running_api, running_postgres

SECONDS = int(os.environ.get("BENCHMARK_SECONDS", "15"))
ROUNDS = 3
A_SECOND = 50
CONNECTIONS = 8
SUBSCRIPTIONS = 12
DAYS = 882
PLANS = 20
GOAL_RATIO = 3.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What the other organization saw."""

    plans: Load
    events: Load
    ready: Load


def measure() -> list[Result]:
    """Both 99th percentiles beside those without a crowd, and how often the API was not ready."""
    every_guess = {"FLUXRATE_AUTH_PER_MINUTE": "1000000"}
    with running_postgres() as server, running_api(make_database(server), **every_guess) as url:
        busy, other = sign_in(url), sign_in(url)
        subscriptions = backdate(busy)
        key = prepare_other(other)
        asyncio.run(watch(url, key, seconds=3))
        pairs = []
        for _ in range(ROUNDS):
            idle = asyncio.run(watch(url, key, seconds=SECONDS))
            with running_crowd(url, str(busy.cookies["access_token"]), subscriptions):
                pairs.append((idle, asyncio.run(watch(url, key, seconds=SECONDS))))
    [as_ever] = pairs[0][0].ready.statuses
    probes = [status for _, crowded in pairs for status in crowded.ready.statuses.items()]
    return [
        compare("P14", "GET /plans", [(idle.plans, crowded.plans) for idle, crowded in pairs], 200),
        compare(
            "P14.events",
            "POST /usage",
            [(idle.events, crowded.events) for idle, crowded in pairs],
            201,
        ),
        figure(
            "P14.ready",
            "probes of /readyz beside a crowd that were answered otherwise than when idle",
            value=(disturbed := sum(number for status, number in probes if status != as_ever)),
            unit=f"of {sum(number for _, number in probes)}",
            goal="0",
            met=disturbed == 0,
        ),
    ]


def compare(identifier: str, name: str, pairs: Sequence[tuple[Load, Load]], status: int) -> Result:
    """The 99th percentile beside a crowd, and the same without."""
    for pair in pairs:
        for load in pair:
            require_statuses(load, status)
    times = median(crowded.p99_milliseconds / idle.p99_milliseconds for idle, crowded in pairs)
    return figure(
        identifier,
        f"{name} beside a crowd, 99th percentile",
        value=median(crowded.p99_milliseconds for _, crowded in pairs),
        unit="ms",
        limit=median(idle.p99_milliseconds for idle, _ in pairs),
        ratio=times,
        goal=f"≤ {GOAL_RATIO:.0f} × idle",
        met=times <= GOAL_RATIO,
    )


async def watch(url: str, key: str, *, seconds: int) -> Figures:
    """List plans and report usage for a while, and ask whether the API is ready."""
    number = seconds * A_SECOND
    headers = {"X-API-Key": key}
    events = [
        prepare(url, "/api/v1/usage", encode(event(place)), headers) for place in range(number)
    ]
    plans, reports, ready = await asyncio.gather(
        run_paced(
            url,
            [get(url, "/api/v1/plans?page_size=20", headers)] * number,
            connections=CONNECTIONS,
            a_second=A_SECOND,
        ),
        run_paced(url, events, connections=CONNECTIONS, a_second=A_SECOND),
        run_paced(url, [get(url, "/readyz", {})] * (seconds * 5), connections=4, a_second=5),
    )
    return Figures(plans=plans, events=reports, ready=ready)


def event(place: int) -> dict[str, object]:
    """One event of the other organization."""
    return {
        "meter_name": "calls",
        "customer_external_id": "acct",
        "quantity": place % 100 + 1,
        "timestamp": datetime.now(UTC).isoformat(),
        "idempotency_key": str(uuid4()),
    }


def get(url: str, path: str, headers: dict[str, str]) -> bytes:
    """A whole request without a body, ready to send."""
    lines = [f"{name}: {text}" for name, text in headers.items()]
    head = [f"GET {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", *lines]
    return "\r\n".join(head).encode() + HEAD_END


def sign_in(url: str) -> Client:
    """The owner of a new organization."""
    client = Client(base_url=f"{url}/api/v1", timeout=60, trust_env=False)
    account = {"email": f"{uuid4()}@benchmark.test", "password": "correct-horse-9"}
    post(client, "/auth/signup", account | {"organization_name": "Benchmark"})
    return client


def post(client: Client, path: str, body: object) -> dict[str, object]:
    """What a successful POST answers."""
    response = client.post(path, json=body)
    response.raise_for_status()
    return dict(response.json())


def backdate(busy: Client) -> list[str]:
    """Subscriptions whose missed periods all wait for somebody to close them."""
    plan = {"name": "Daily", "lookup_id": "daily", "type": "HYBRID", "currency": "USD"}
    plan_id = post(busy, "/plans", plan | {"billing_interval": "day"})["id"]
    charge = {"type": "FIXED", "unit_price": "1.00", "display_name": "Day"}
    post(busy, f"/plans/{plan_id}/charges", charge)
    start = (datetime.now(UTC) - timedelta(days=DAYS)).isoformat()
    made = []
    for number in range(SUBSCRIPTIONS):
        who = {"name": f"C{number}", "email": "a@b.test", "billing_address_country": "DE"}
        ids = {"customer_id": post(busy, "/customers", who)["id"], "plan_id": plan_id}
        made.append(str(post(busy, "/subscriptions", ids | {"start_date": start})["id"]))
    return made


def prepare_other(other: Client) -> str:
    """Plans to list and a meter to report to; gives a key for both."""
    for number in range(PLANS):
        plan = {"name": f"P{number}", "lookup_id": f"p{number}", "type": "HYBRID"}
        post(other, "/plans", plan | {"currency": "USD", "billing_interval": "month"})
    meter = {"name": "Calls", "meter_name": "calls", "aggregation_type": "SUM"}
    post(other, "/meters", meter)
    post(other, "/customers", {"name": "A", "email": "a@b.test", "external_id": "acct"})
    scopes = ["billing.read", "usage.write"]
    return str(post(other, "/api-keys", {"name": "Backend", "scopes": scopes})["key"])


@contextmanager
def running_crowd(url: str, token: str, subscriptions: list[str]) -> Iterator[None]:
    """The crowd disturbs while the block runs."""
    words = [sys.executable, "-m", "benchmarks.crowd", url, token, *subscriptions]
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)
