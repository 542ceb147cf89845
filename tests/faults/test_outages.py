"""PostgreSQL, Temporal or the API go away and come back: nothing is billed twice or forgotten."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from temporalio.client import ScheduleActionExecutionStartWorkflow

from activities.declarations import CoverageDone
from runtime.embedded.engines import EmbeddedPostgres, EmbeddedTemporal
from runtime.embedded.processes import wait_until
from runtime.schedules import ensure_coverage_check
from runtime.settings import Settings
from runtime.temporal import connect
from tests.faults.callers import send, subscribe
from tests.scenarios.account import Account
from tests.scenarios.product import Product, settings_for
from tests.servers import make_database, start_durable_postgres, superuser_url
from workflows.names import SEARCH_ATTRIBUTES, coverage_check_id, subscription_workflow_id


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server of this module's own, which keeps its promises when it is killed."""
    server = start_durable_postgres("outages")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def temporal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedTemporal]:
    """A server of this module's own, whose state is in a file."""
    server = EmbeddedTemporal(tmp_path_factory.mktemp("temporal"), SEARCH_ATTRIBUTES)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def settings(postgres: EmbeddedPostgres, temporal: EmbeddedTemporal) -> Settings:
    """Settings of a product on these servers."""
    url = make_database(postgres, "outages")
    return settings_for(url, temporal.address)


def billed(account: Account, subscription: dict[str, Any]) -> list[tuple[str, Any, str]]:
    """Every invoice's period, total and status."""
    return [
        (one["period_start"][:7], one["total"], one["status"])
        for one in account.invoices(subscription)
    ]


@pytest.mark.parametrize(
    ("name", "kill"), [("postgres", signal.SIGQUIT), ("temporal", signal.SIGKILL)]
)
def test_server_killed_during_closes_bills_everybody_once(
    settings: Settings, request: pytest.FixtureRequest, name: str, kill: signal.Signals
) -> None:
    server: EmbeddedPostgres | EmbeddedTemporal = request.getfixturevalue(name)
    product = Product(settings).start()
    account = Account(product.url).sign_up()
    lives = [subscribe(account, number) for number in range(1, 7)]
    for clock, _ in lives:
        send(account, clock, "2025-03-01T02:00:00Z")

    for _ in range(2):
        time.sleep(0.2)  # somewhere in the middle of the closes
        server.pid_file.stop(kill, timeout_seconds=10)
        server.start()
    for clock, _ in lives:
        account.wait_for_clock(clock)

    for number, (_, subscription) in enumerate(lives, 1):
        assert billed(account, subscription) == [
            ("2025-01", number, "OPEN"),
            ("2025-02", 0, "PAID"),
        ]
    numbers = [one["invoice_number"] for _, life in lives for one in account.invoices(life)]
    assert sorted(numbers) == [f"INV-2025-{number:04d}" for number in range(1, 13)]
    product.stop()


def test_sleeping_subscription_outlives_a_restart_of_temporal(
    settings: Settings, temporal: EmbeddedTemporal
) -> None:
    product = Product(settings).start()
    account = Account(product.url).sign_up()
    clock, subscription = subscribe(account)
    account.advance(clock, "2025-01-20T00:00:00Z")

    temporal.stop()
    temporal.start()
    account.advance(clock, "2025-03-01T02:00:00Z")

    assert billed(account, subscription) == [("2025-01", 1, "OPEN"), ("2025-02", 0, "PAID")]
    product.stop()


def test_subscription_created_while_temporal_is_away_is_billed_when_it_returns(
    settings: Settings, temporal: EmbeddedTemporal
) -> None:
    product = Product(settings).start()
    account = Account(product.url).sign_up()
    temporal.stop()
    clock, subscription = subscribe(account)
    send(account, clock, "2025-03-01T02:00:00Z")
    assert account.get(f"/test-clocks/{clock['id']}")["status"] == "advancing"

    temporal.start()
    account.wait_for_clock(clock)

    assert billed(account, subscription) == [("2025-01", 1, "OPEN"), ("2025-02", 0, "PAID")]
    product.stop()


def test_restarted_api_and_worker_go_on_where_they_were(settings: Settings) -> None:
    first = Product(settings).start()
    account = Account(first.url).sign_up()
    clock, subscription = subscribe(account)
    send(account, clock, "2025-06-01T02:00:00Z")
    first.stop()

    second = Product(settings).start()
    returned = Account(second.url)
    returned.client.cookies = account.client.cookies
    returned.wait_for_clock(clock)

    months = ["2025-01", "2025-02", "2025-03", "2025-04", "2025-05"]
    assert [one[0] for one in billed(returned, subscription)] == months
    second.stop()


def test_two_workers_share_workflows_and_bill_everybody_once(settings: Settings) -> None:
    products = [Product(settings).start() for _ in range(2)]
    account = Account(products[0].url).sign_up()
    lives = [subscribe(account, number) for number in range(1, 5)]

    threads = [
        threading.Thread(target=account.advance, args=(clock, "2025-04-01T02:00:00Z"))
        for clock, _ in lives
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [len(billed(account, subscription)) for _, subscription in lives] == [3] * 4
    for product in products:
        product.stop()


def test_rebuild_after_temporal_lost_everything_bills_nothing_twice(
    settings: Settings, temporal: EmbeddedTemporal
) -> None:
    product = Product(settings).start()
    account = Account(product.url).sign_up()
    clock, subscription = subscribe(account)
    account.advance(clock, "2025-02-01T02:00:00Z")
    before = account.invoices(subscription)
    whole = {"subscriptions": 1, "findings": [], "owners_checked": True, "total": 0}
    until(lambda: whole.items() <= coverage(account).items())

    temporal.stop()
    for file in temporal.data_dir.glob("temporal.sqlite*"):
        file.unlink()
    temporal.start()
    until(lambda: coverage(account)["owners_checked"])
    age_subscriptions(settings)
    [finding] = coverage(account)["findings"]
    assert (finding["kind"], finding["subscription_id"]) == ("missing_owner", subscription["id"])
    rebuilt = subprocess.run(
        [sys.executable, "-m", "cli.main", "rebuild"],
        env={
            **os.environ,
            "DATABASE_URL": str(settings.database_url),
            "TEMPORAL_ADDRESS": temporal.address,
            "FLUXRATE_TASK_QUEUE": settings.task_queue,
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert re.search(r"(\d+) of \1 workflows run", rebuilt.stdout), rebuilt
    until(lambda: coverage(account)["findings"] == [])
    assert account.invoices(subscription) == before
    account.advance(clock, "2025-04-01T02:00:00Z")
    assert billed(account, subscription) == [
        ("2025-01", 1, "OPEN"),
        ("2025-02", 0, "PAID"),
        ("2025-03", 0, "PAID"),
    ]
    product.stop()


def test_hourly_check_starts_a_workflow_that_was_terminated(
    settings: Settings, temporal: EmbeddedTemporal
) -> None:
    product = Product(settings).start()
    account = Account(product.url).sign_up()
    clock, subscription = subscribe(account)
    account.advance(clock, "2025-01-20T00:00:00Z")
    age_subscriptions(settings)

    done = asyncio.run(terminate_and_check(settings, temporal, subscription["id"]))

    assert done.repaired >= 1
    account.advance(clock, "2025-02-01T02:00:00Z")
    assert billed(account, subscription) == [("2025-01", 1, "OPEN")]
    product.stop()


async def terminate_and_check(
    settings: Settings, temporal: EmbeddedTemporal, subscription_id: str
) -> CoverageDone:
    """An operator ends a workflow by mistake; then the schedule's hour comes."""
    client = await connect(temporal.address)
    workflow = client.get_workflow_handle(subscription_workflow_id(subscription_id))
    await workflow.terminate("by mistake")
    assert await ensure_coverage_check(client, task_queue=settings.task_queue)
    assert not await ensure_coverage_check(client, task_queue=settings.task_queue)
    schedule = client.get_schedule_handle(coverage_check_id(settings.task_queue))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        await schedule.trigger()
        await asyncio.sleep(2)
        for action in (await schedule.describe()).info.recent_actions:
            started = action.action
            assert isinstance(started, ScheduleActionExecutionStartWorkflow)
            run = client.get_workflow_handle(
                started.workflow_id,
                run_id=started.first_execution_run_id,
                result_type=CoverageDone,
            )
            done: CoverageDone = await run.result()
            if done.repaired:
                return done
    raise AssertionError("the check repaired nothing")


def coverage(account: Account) -> dict[str, Any]:
    """What the API says of the organization's subscriptions."""
    return dict(account.get("/audit/coverage"))


def age_subscriptions(settings: Settings) -> None:
    """Nothing is so young any more that its workflow may still be on its way, or was just seen."""
    assert settings.database_url
    with psycopg.connect(superuser_url(settings.database_url), autocommit=True) as connection:
        connection.execute("UPDATE subscription SET created_at = created_at - interval '1 hour'")
        connection.execute(
            "UPDATE subscription_action SET recorded_at = recorded_at - interval '1 hour'"
        )


def until(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    assert wait_until(lambda: bool(condition()), timeout_seconds=60)
