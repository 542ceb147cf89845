"""P14: what one organization and many logins do to another organization.

    python -m benchmarks fairness

One organization cancels twelve subscriptions to a daily plan that begin hundreds of days ago, and
hangs up after two seconds; thirty clients log in with names that nobody has; both begin again and
again, and every guess is compared. A worker makes the invoices of the canceled ones meanwhile.
Another organization lists its plans and reports usage at an even pace; lateness counts. All share
the machine. Short rounds with load and worker and without them alternate, so that a disturbance
from outside meets both; the percentiles are of all rounds of a kind together.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from statistics import quantiles
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
from httpx2 import Client

from benchmarks.figures import Result, figure
from benchmarks.load import HEAD_END, Load, encode, prepare, require_statuses, run_paced
from benchmarks.servers import make_database, running_api, running_postgres
from benchmarks.waves import WORKERS, running_temporal

SECONDS = int(os.environ.get("BENCHMARK_SECONDS", "10"))
ROUNDS = 8
A_SECOND = 50
CONNECTIONS = 8
SUBSCRIPTIONS = 12
DAYS = 882
PLANS = 20
GOAL_RATIO = 3.0
CALMS_DOWN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What the other organization saw."""

    plans: Load
    events: Load
    ready: Load


def measure() -> list[Result]:
    """Both 99th percentiles beside those without a load, and how often the API was not ready."""
    idle: list[Figures] = []
    loaded: list[Figures] = []
    with running_postgres() as server, running_temporal() as temporal:
        settings = {"DATABASE_URL": make_database(server), "TEMPORAL_ADDRESS": temporal.address}
        every_guess = {"FLUXRATE_AUTH_PER_MINUTE": "1000000"}
        with running_api(settings["DATABASE_URL"], **(settings | every_guess)) as url:
            busy, other = sign_in(url), sign_in(url)
            subscriptions = backdate(busy)
            key = prepare_other(other)
            asyncio.run(watch(url, key, seconds=3))
            for _ in range(ROUNDS):
                idle.append(asyncio.run(watch(url, key, seconds=SECONDS)))
                token = str(busy.cookies["access_token"])
                with running_worker(settings), running_background_load(url, token, subscriptions):
                    loaded.append(asyncio.run(watch(url, key, seconds=SECONDS)))
                time.sleep(CALMS_DOWN_SECONDS)
    probes = [status for one in (*idle, *loaded) for status in one.ready.statuses.items()]
    unready = sum(number for status, number in probes if status != HTTPStatus.OK)
    return [
        compare("P14.plans", "GET /plans", [x.plans for x in idle], [x.plans for x in loaded], 200),
        compare(
            "P14.events", "POST /usage", [x.events for x in idle], [x.events for x in loaded], 201
        ),
        figure(
            "P14.ready",
            "probes of /readyz that were not answered with 200, idle and beside background load",
            value=unready,
            unit=f"of {sum(number for _, number in probes)}",
            goal="0",
            met=unready == 0,
        ),
    ]


def compare(
    identifier: str, name: str, idle: Sequence[Load], loaded: Sequence[Load], status: int
) -> Result:
    """The 99th percentile beside background load, and without, each of all rounds together."""
    for load in (*idle, *loaded):
        require_statuses(load, status)
    without, beside = p99_of(idle), p99_of(loaded)
    return figure(
        identifier,
        f"{name} beside background load, 99th percentile",
        value=beside,
        unit="ms",
        limit=without,
        ratio=beside / without,
        goal=f"≤ {GOAL_RATIO:.0f} × idle",
        met=beside / without <= GOAL_RATIO,
    )


def p99_of(loads: Sequence[Load]) -> float:
    """What 99 of 100 requests of all these loads did not take longer than. In milliseconds."""
    return quantiles([one for load in loads for one in load.latencies], n=100)[98] * 1000


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
def running_worker(settings: Mapping[str, str]) -> Iterator[None]:
    """A worker bills the long-backdated subscriptions before the block runs, and in all of it.

    Raises SystemExit if it does not: then nothing would disturb.
    """
    database_url = settings["DATABASE_URL"]
    before = count_invoices(database_url)
    process = subprocess.Popen(
        [sys.executable, *WORKERS],
        env=os.environ | settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        await_invoices(database_url, more_than=before)
        began = count_invoices(database_url)
        yield
        if count_invoices(database_url) == began:
            raise SystemExit("nothing was billed beside those who were to be disturbed")
    finally:
        process.kill()
        process.wait(30)


def await_invoices(database_url: str, *, more_than: int) -> None:
    """The worker has billed something."""
    deadline = time.monotonic() + 60
    while count_invoices(database_url) <= more_than:
        if time.monotonic() > deadline:
            raise SystemExit("the worker does not bill")
        time.sleep(0.2)


def count_invoices(database_url: str) -> int:
    """How many invoices there are; asked of the database, not of the API that is watched."""
    with psycopg.connect(database_url) as connection:
        counted = connection.execute("SELECT count(*) FROM invoice").fetchone()
    assert counted is not None
    return int(counted[0])


@contextmanager
def running_background_load(url: str, token: str, subscriptions: list[str]) -> Iterator[None]:
    """Others disturb while the block runs."""
    words = [sys.executable, "-m", "benchmarks.background_load", url, token, *subscriptions]
    process = subprocess.Popen(words, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)
