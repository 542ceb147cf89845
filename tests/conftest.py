"""Real servers for tests: a PostgreSQL for each process, one Temporal for the whole run."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
import structlog
from anyio.from_thread import BlockingPortal, start_blocking_portal
from psycopg import sql

from runtime.database.accounts import MIGRATIONS, PROCESSES
from runtime.embedded.engines import EmbeddedPostgres
from runtime.exit import leave
from tests.servers import (
    TestRun,
    make_database,
    migration_url,
    start_postgres,
    start_shared_temporal,
)

TEMPLATE = "template_fluxrate"

LONG = (
    "faults",
    "dunning/test_dunning.py",
    "dunning/test_crashes.py",
    "dunning/test_top_ups.py",
    "dunning/test_jumps.py",
    "observability/test_canaries.py",
    "observability/test_one_trace.py",
    "cli/test_up.py",
    "cli/test_several_processes.py",
    "cli/test_keeping.py",
    "cli/test_point_in_time.py",
    "cli/test_credit_on_two_processes.py",
    "cli/test_paid.py",
    "cli/test_demo.py",
    "cli/test_usage_commands.py",
    "cli/test_imports.py",
    "cli/test_commands.py",
    "cli/migration/test_migration.py",
    "cli/test_first_minutes.py",
    "cli/test_codec_server.py",
    "cli/test_sandbox_gateway.py",
    "cli/test_webhooks.py",
    "deploy/test_read_only.py",
    "api/connections/test_slow_clients.py",
    "services/catalog/test_edit_races.py",
    "money/test_strangers.py",
    "money/test_money.py",
    "money/test_stories.py",
    "money/test_faults.py",
    "scenarios/test_bounds.py",
    "scenarios/test_year.py",
    "scenarios/test_customer_year.py",
    "scenarios/test_old_installation.py",
    "docs/test_pages.py",
    "activities/test_equal_bills.py",
    "workflows/test_history_length.py",
    "workflows/test_simulated_money.py",
    "workflows/test_simulator.py",
    "runtime/test_embedded_temporal.py",
    "models/test_migration_races.py",
    "architecture/test_how_tos.py",
)
"""What takes minutes: whole installations, kills, years of a customer. ``make test-long`` runs it.

Begun first there, so that a run does not end with one of them alone. Waiting and computing
alternate: one process uses the processors while another waits for servers.
"""

LONGEST_OF_THE_OTHERS = (
    "services/usage/test_aggregates.py",
    "models/test_migrations.py",
    "scenarios/test_subscription_life.py",
    "scenarios/test_price_models.py",
    "services/catalog/test_meter_claims_by_model.py",
)
"""Begun first of what ``make test`` runs, for the same reason."""

test_run = pytest.StashKey[TestRun]()
exit_status = pytest.StashKey[int]()
database_numbers = count(1)


def pytest_configure(config: pytest.Config) -> None:
    """The first process of the run owns its servers; xdist's workers only use them."""
    # The default draws every traceback as a picture, which takes longer than most requests.
    plain = structlog.dev.plain_traceback
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain),
        ]
    )
    if not hasattr(config, "workerinput"):
        config.stash[test_run] = TestRun()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is long is marked as that and comes first; all others keep their order."""
    directory = Path(__file__).parent
    places = {directory / name: place for place, name in enumerate((*LONG, *LONGEST_OF_THE_OTHERS))}

    def place_of(item: pytest.Item) -> int:
        return min(places.get(path, len(places)) for path in (item.path, item.path.parent))

    for item in items:
        if place_of(item) < len(LONG):
            item.add_marker(pytest.mark.long)
    items.sort(key=place_of)


def pytest_collection_finish() -> None:
    """What was loaded for all tests is never garbage; looking through it takes time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 50, 100)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Keeps how the run went, for leaving with it."""
    session.config.stash[exit_status] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends what the run started, whatever became of its tests."""
    run = config.stash.get(test_run, None)
    if run is None:
        return
    run.end()
    if "temporalio.bridge.temporal_sdk_bridge" in sys.modules and exit_status in config.stash:
        # A Temporal client may abort the interpreter's shutdown and with it the exit code.
        config.get_terminal_writer().flush()
        leave(config.stash[exit_status])


@pytest.fixture(scope="session")
def postgres_server(worker_id: str) -> EmbeddedPostgres:
    """The PostgreSQL server of this process. Databases come from ``database_url``."""
    server = start_postgres(f"postgres-{worker_id}")
    server.ensure_database(TEMPLATE)
    return server


@pytest.fixture(scope="session")
def template_database(postgres_server: EmbeddedPostgres) -> str:
    """The name of a database with the current schema, to clone."""
    make_database(postgres_server, TEMPLATE)
    return TEMPLATE


@pytest.fixture
def empty_database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """A database without any schema by its owner's account, dropped after the test."""
    for url in _temporary_database(postgres_server, "template1"):
        yield migration_url(url)


@pytest.fixture
def database_url(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    """A database with the current schema and no rows, dropped after the test.

    By the account that processes have: ``superuser_url`` names it for looks behind the product.
    """
    yield from _temporary_database(postgres_server, template_database)


@pytest.fixture(scope="module")
def module_database_url(postgres_server: EmbeddedPostgres, template_database: str) -> Iterator[str]:
    """One database with the current schema for all tests of a module."""
    yield from _temporary_database(postgres_server, template_database)


@pytest.fixture(scope="session")
def temporal_address() -> str:
    """Where the run's Temporal server answers; each test takes its own queue or organization."""
    return start_shared_temporal().address


@pytest.fixture(scope="session")
def one_event_loop() -> Iterator[BlockingPortal]:
    """The event loop of this process in which applications are served, whichever test asks."""
    with start_blocking_portal() as portal:
        yield portal


def _temporary_database(server: EmbeddedPostgres, template: str) -> Iterator[str]:
    name = f"test_{next(database_numbers)}"
    _execute(
        server,
        sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
            *map(sql.Identifier, (name, template, MIGRATIONS))
        ),
    )
    yield server.url(name, PROCESSES)
    _execute(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(server: EmbeddedPostgres, statement: sql.Composed) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(statement)
