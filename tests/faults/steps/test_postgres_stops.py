"""PostgreSQL stops at every step of a subscription's life and comes back: the same invoices.

It stops as by a power cut, and with it whatever all other subscriptions were at.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import pytest

from runtime.embedded.engines import EmbeddedPostgres
from runtime.embedded.processes import wait_until
from runtime.settings import Settings
from tests.faults.steps.crash_lives import (
    NOBODY,
    Workers,
    check_lives,
    crashes_at,
    create_plan,
    make_disturbed,
    make_undisturbed,
)
from tests.faults.steps.crashes import Moment, lose_the_connection
from tests.scenarios.account import Account
from tests.scenarios.product import Product, settings_for
from tests.servers import make_database, start_durable_postgres

STOPS = crashes_at(
    ("issue_invoice", "finalize_invoice", "roll_period"),
    (Moment.DURING, Moment.AFTER, Moment.BEFORE),
)
"""``make chaos`` tries every step at every moment."""

STOPS_A_TEST = 4
"""Steps that fail wait longer each time, so few lives share one server."""

MOST_SECONDS = 120


@pytest.fixture(scope="module")
def postgres() -> Iterator[EmbeddedPostgres]:
    """A server of this module's own, which keeps its promises when it is stopped."""
    server = start_durable_postgres("stops")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def settings(postgres: EmbeddedPostgres, temporal_address: str) -> Settings:
    url = make_database(postgres, "stops")
    settings = settings_for(url, temporal_address)
    return settings.model_copy(update={"workflow_sandbox": False, "worker_workflow_task_slots": 4})


@pytest.fixture(scope="module")
def product(settings: Settings) -> Iterator[Product]:
    """The API alone."""
    assert settings.database_url
    running = Product(settings_for(settings.database_url, NOBODY), with_worker=False).start()
    yield running
    running.stop()


@pytest.fixture
def workers(settings: Settings) -> Iterator[Workers]:
    running = Workers(settings)
    yield running
    running.end()


@pytest.mark.parametrize("first", range(0, len(STOPS), STOPS_A_TEST))
def test_every_stop_ends_with_the_invoices_of_an_undisturbed_life(
    account: Account, workers: Workers, postgres: EmbeddedPostgres, first: int
) -> None:
    one_at_a_time = threading.Lock()

    def stop_postgres() -> None:
        with one_at_a_time:
            postgres.pid_file.stop(signal.SIGQUIT, timeout_seconds=30)
            postgres.start()
        lose_the_connection()

    plan = create_plan(account)
    undisturbed = make_undisturbed(account, plan)
    stopped = make_disturbed(account, plan, "stopped", STOPS[first : first + STOPS_A_TEST])
    variants = [*undisturbed, *stopped]
    workers.wake_all(account, variants)
    workers.serve(undisturbed)
    workers.serve(stopped, harm=stop_postgres)
    wait_until(lambda: workers.struck == len(stopped), timeout_seconds=MOST_SECONDS)
    with one_at_a_time:
        pass  # the last stop is over

    assert workers.struck == len(stopped)
    check_lives(account, variants)
