"""An API and a worker of two processes each: one dies, and nothing is lost, late or done twice."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any
from uuid import uuid4

import httpx2
import psycopg
import pytest

from runtime.embedded.processes import choose_port, wait_until
from tests.cli.local.process_groups import SECONDS_TO_START, Group, end_by_itself, running_group
from tests.cli.running import get
from tests.scenarios.account import Account
from tests.servers import superuser_url

API_READY, WORKER_READY = "Application startup complete", "worker_ready"
SUBSCRIPTIONS = 24
TELLING_SECONDS = 240.0


@pytest.fixture(scope="module")
def environment(module_database_url: str, temporal_address: str) -> dict[str, str]:
    return {
        "DATABASE_URL": module_database_url,
        "TEMPORAL_ADDRESS": temporal_address,
        "FLUXRATE_TASK_QUEUE": f"queue-{uuid4()}",
        "FLUXRATE_SECRET_KEY": "a secret that only tests know, long enough",
        "FLUXRATE_SIGNUP": "open",
    }


@pytest.fixture(scope="module")
def port() -> int:
    return choose_port()


@pytest.fixture(scope="module")
def api(
    tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str], port: int
) -> Iterator[Group]:
    words = ["-m", "cli.main", "api", "--port", str(port), "--processes", "2"]
    log = tmp_path_factory.mktemp("api") / "log"
    with running_group(words, log, **environment) as group:
        assert wait_until(lambda: group.has(2, API_READY), timeout_seconds=SECONDS_TO_START), (
            log.read_text()
        )
        yield group


@pytest.fixture
def url(api: Group, port: int) -> str:
    assert wait_until(lambda: len(api.pids) == 2, timeout_seconds=SECONDS_TO_START)
    return f"http://127.0.0.1:{port}"


class Backend:
    """One connection that shows an API key, and the process that serves it."""

    def __init__(self, api: Group, url: str, secret: str) -> None:
        self.client = httpx2.Client(
            base_url=url, headers={"X-API-Key": secret}, trust_env=False, verify=False
        )
        with self.client.stream("GET", "/api/v1/customers") as answer:
            stream = answer.extensions["network_stream"]
            client, server = (
                stream.get_extra_info(f"{end}_addr")[1] for end in ("client", "server")
            )
            self.server = api.server_of(client, server)

    def status(self) -> int:
        return self.client.get("/api/v1/customers").status_code


def backends_of_both(api: Group, url: str, secret: str) -> list[Backend]:
    """A connection to each process."""
    found: dict[int, Backend] = {}

    def connect() -> bool:
        one = Backend(api, url, secret)
        found.setdefault(one.server, one)
        return len(found) == 2

    assert wait_until(connect, timeout_seconds=SECONDS_TO_START, pause_seconds=0.01)
    return list(found.values())


def make_key(account: Account) -> dict[str, Any]:
    key: dict[str, Any] = account.post("/api-keys", {"name": "b", "scopes": ["billing.read"]})
    return key


def test_key_that_one_process_revokes_is_refused_by_the_other_at_once(api: Group, url: str) -> None:
    account = Account(url).sign_up()
    for _ in range(5):
        key = make_key(account)
        backends = backends_of_both(api, url, key["key"])
        assert [one.status() for one in backends] == [200, 200]

        account.request("DELETE", f"/api-keys/{key['id']}", expect=204)

        time.sleep(0.1)
        assert [one.status() for one in backends] == [401, 401]


def test_requests_go_on_when_a_process_is_killed_and_it_is_replaced(api: Group, url: str) -> None:
    account = Account(url).sign_up()
    first, second = backends_of_both(api, url, make_key(account)["key"])
    before = api.pids

    os.kill(first.server, signal.SIGKILL)
    # Until then it may be given connections, which end with it as its requests do.
    assert end_by_itself({first.server})

    for _ in range(30):
        assert get(f"{url}/livez").status_code == 200
        assert second.status() == 200
    assert wait_until(
        lambda: len(api.pids) == 2 and api.pids != before, timeout_seconds=SECONDS_TO_START
    )
    assert "ended unexpectedly (signal 9)" in api.log.read_text()


def test_viewers_in_one_process_are_told_what_another_took(api: Group, url: str) -> None:
    account = Account(url).sign_up()
    scopes = ["billing.read", "usage.read", "usage.write"]
    key = account.post("/api-keys", {"name": "b", "scopes": scopes})["key"]
    watching, taking = backends_of_both(api, url, key)
    report = {"meter_name": "nothing", "customer_external_id": "acct_77", "quantity": 1}
    is_told = Event()

    def send() -> None:
        # The other process learns within a moment that somebody watches.
        deadline = time.monotonic() + TELLING_SECONDS
        while not is_told.is_set() and time.monotonic() < deadline:
            taking.client.post("/api/v1/usage", json=report | {"idempotency_key": str(uuid4())})
            time.sleep(0.2)

    with (
        ThreadPoolExecutor(1) as pool,
        watching.client.stream("GET", "/api/v1/usage/stream", timeout=TELLING_SECONDS) as stream,
    ):
        sending = pool.submit(send)
        turn = next((one for one in stream.iter_lines() if one.startswith("data:")), None)
        is_told.set()
        sending.result()

    assert turn is not None
    [first, *_] = json.loads(turn.removeprefix("data: "))["data"]
    assert (first["outcome"], first["meter"], first["customer"]) == (
        "refused",
        "nothing",
        "acct_77",
    )


def test_every_process_shows_what_all_have_counted(api: Group, url: str) -> None:
    account = Account(url).sign_up()
    line = 'fluxrate_http_requests_total{method="GET",route="/api/v1/customers",status="200"}'

    def counted(backend: Backend) -> float:
        text = backend.client.get("/metrics").text
        [value] = [one.split()[-1] for one in text.splitlines() if one.startswith(line)]
        return float(value)

    first, second = backends_of_both(api, url, make_key(account)["key"])
    before = counted(first)
    assert [first.status(), second.status(), second.status()] == [200] * 3

    assert (counted(first), counted(second)) == (before + 3, before + 3)


def make_subscriptions(account: Account) -> None:
    """Each with one period that has ended, so that it is billed at once."""
    plan = account.post(
        "/plans",
        {
            "name": "Pro",
            "lookup_id": "pro",
            "type": "FIXED",
            "billing_interval": "MONTH",
            "currency": "USD",
        },
    )
    begins_at = (datetime.now(UTC) - timedelta(days=35)).isoformat()
    for number in range(SUBSCRIPTIONS):
        customer = account.post("/customers", {"name": f"C{number}", "email": "c@shop.test"})
        account.post(
            "/subscriptions",
            {"customer_id": customer["id"], "plan_id": plan["id"], "start_date": begins_at},
        )


def test_worker_bills_everybody_once_though_one_of_its_processes_is_killed(
    url: str, environment: dict[str, str], tmp_path: Path
) -> None:
    account = Account(url).sign_up()

    def bills() -> list[tuple[Any, ...]]:
        with psycopg.connect(superuser_url(environment["DATABASE_URL"])) as connection:
            return connection.execute(
                "SELECT subscription_id, period_index, count(*) FROM invoice"
                " WHERE organization_id = %s GROUP BY 1, 2",
                (account.organization["id"],),
            ).fetchall()

    words = ["-m", "cli.main", "worker", "--processes", "2"]
    with running_group(words, tmp_path / "log", **environment) as worker:
        assert wait_until(lambda: worker.has(2, WORKER_READY), timeout_seconds=SECONDS_TO_START), (
            worker.log.read_text()
        )
        make_subscriptions(account)
        assert wait_until(lambda: len(bills()) > SUBSCRIPTIONS // 4, timeout_seconds=60)
        os.kill(min(worker.pids), signal.SIGKILL)

        assert wait_until(lambda: len(bills()) == SUBSCRIPTIONS, timeout_seconds=120)
        assert wait_until(lambda: worker.has(2, WORKER_READY), timeout_seconds=SECONDS_TO_START)
        pids = worker.pids

    assert {count for _, _, count in bills()} == {1}
    assert len(bills()) == SUBSCRIPTIONS
    assert worker.supervisor.returncode == 0
    assert end_by_itself(pids)


def test_processes_end_with_a_supervisor_that_was_killed(
    environment: dict[str, str], tmp_path: Path
) -> None:
    words = ["-m", "cli.main", "api", "--port", str(choose_port()), "--processes", "2"]
    with running_group(words, tmp_path / "log", **environment) as group:
        assert wait_until(lambda: group.has(2, API_READY), timeout_seconds=SECONDS_TO_START)
        pids = group.pids

        group.supervisor.kill()

        assert end_by_itself(pids)


def test_taken_port_is_said_in_a_sentence(api: Group, port: int, tmp_path: Path) -> None:
    assert api.pids
    words = ["-m", "cli.main", "api", "--port", str(port), "--processes", "2"]
    environment = {
        "DATABASE_URL": "postgresql://nowhere/none",
        "TEMPORAL_ADDRESS": "127.0.0.1:1",
        "FLUXRATE_SECRET_KEY": "a secret that only tests know, long enough",
    }
    with running_group(words, tmp_path / "log", **environment) as refused:
        assert refused.supervisor.wait(30) == 1

    assert f"cannot listen on 127.0.0.1, port {port}" in refused.log.read_text()
