"""Real servers for tests: a PostgreSQL for each process, one Temporal for the whole run."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from functools import cache
from itertools import count
from pathlib import Path

import psycopg
import pytest
import structlog
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import settings
from psycopg import sql

from runtime.database.accounts import MIGRATIONS, PROCESSES
from runtime.embedded.engines import EmbeddedPostgres
from runtime.exit import leave
from tests.certificates import read_once as certificates_read_once
from tests.lent_databases import LentDatabases
from tests.servers import (
    TEMPLATE,
    TestRun,
    start_migrated_postgres,
    start_shared_temporal,
)
from tests.shared_databases import SharedEngines, note_own_databases

# A busy machine makes no example wrong.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

LONG = (
    "faults",
    "scenarios",
    "dunning",
    "cli",
    "money",
    "api/attacks",
    "api/connections",
    "api/fuzz",
    "api/gateways/test_told.py",
    "api/ingestion/test_tail.py",
    "api/invoicing/test_one_effect.py",
    "api/isolation/test_second_wall.py",
    "api/transport/test_ranges.py",
    "console/test_browser.py",
    "console/test_try_it_out.py",
    "console/workspace/test_five_jobs.py",
    "console/workspace/every_screen/test_matrix.py",
    "console/workspace/parts/test_charts.py",
    "observability/test_canaries.py",
    "observability/test_one_trace.py",
    "deploy/test_read_only.py",
    "services/catalog/test_edit_races.py",
    "services/catalog/meter_claims/test_by_model.py",
    "services/corrections/test_notes_of_covered_lines.py",
    "services/credits/machine/test_all_movements.py",
    "services/credits/recurring/test_by_model.py",
    "services/credits/test_by_model.py",
    "services/credits/test_races.py",
    "services/credits/test_thousand_repeats.py",
    "services/documents/einvoice/test_every_verdict.py",
    "services/documents/einvoice/test_schematron.py",
    "services/documents/einvoice/test_xrechnung.py",
    "services/entitlements/test_limit_races.py",
    "services/documents/test_pictures.py",
    "services/invoicing/commitments/test_by_model.py",
    "services/invoicing/own_units/test_by_model.py",
    "services/invoicing/prepaid/test_random_draws.py",
    "services/invoicing/receipts/test_checks.py",
    "services/invoicing/threshold/test_by_model.py",
    "services/payments/test_every_order.py",
    "services/usage/test_aggregates.py",
    "services/usage/test_cuts.py",
    "integrations/gateways/sandbox/test_faults.py",
    "notifications/test_mail_isolation.py",
    "clients",
    "docs",
    "activities/test_equal_bills.py",
    "workflows/test_history_length.py",
    "workflows/test_simulated_money.py",
    "workflows/test_simulator.py",
    "workflows/simulated/credit/test_lives.py",
    "runtime/embedded/test_temporal.py",
    "runtime/embedded/test_postgres.py",
    "runtime/test_idle.py",
    "runtime/temporal/test_payloads.py",
    "runtime/serving/test_process_groups.py",
    "models/test_migration_races.py",
    "models/test_migrations.py",
    "models/test_audit_chain_of_old_entries.py",
    "models/test_payments_of_old_invoices.py",
    "models/test_states_of_old_rows.py",
    "architecture/documents/test_how_tos.py",
)
"""What takes long: whole installations, kills, stories told through the whole product, thousands of
cases of one rule. ``make test-long`` runs it.

Begun in this order, so that a run does not end with one of them alone. Waiting and computing
alternate: one process uses the processors while another waits for servers.
"""

IN_A_BROWSER = "in_a_browser.py"
"""How modules of tests end that press keys in a browser: they are long wherever they are."""

LONG_PLACES = {Path(__file__).parent / name: place for place, name in enumerate(LONG)}
"""Where each is, and when its turn comes."""

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
    # Loading thousands of tests leaves hardly anything to collect.
    gc.disable()
    if not hasattr(config, "workerinput"):
        config.stash[test_run] = run = TestRun()
        if config.getoption("numprocesses", None):
            run.make_original_meanwhile()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """What a run deselects it does not even load, which takes long for so many tests."""
    is_long = _place_of(collection_path) < len(LONG)
    if config.option.markexpr == "not long" and is_long:
        return True
    is_test = collection_path.name.startswith("test_")
    return True if config.option.markexpr == "long" and is_test and not is_long else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is long is marked as that and comes first; all others keep their order."""
    note_own_databases(config, items)
    for item in items:
        if _place_of(item.path) < len(LONG):
            item.add_marker(pytest.mark.long)
    items.sort(key=lambda item: _place_of(item.path))


@cache
def _place_of(path: Path) -> int:
    """The place of a test file or its directory in the list, which ends with all others."""
    if path.name.endswith(IN_A_BROWSER):
        return LONG.index("console/test_browser.py")
    return min(LONG_PLACES.get(one, len(LONG)) for one in (path, *path.parents))


def pytest_collection_finish() -> None:
    """What was loaded for all tests is never garbage; looking through it takes time."""
    gc.collect()
    gc.freeze()
    gc.enable()
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


@pytest.fixture(scope="session", autouse=True)
def certificates() -> Iterator[None]:
    """No client of a test reads anew whom this machine trusts."""
    with certificates_read_once():
        yield


@pytest.fixture(scope="session")
def postgres_server(worker_id: str) -> EmbeddedPostgres:
    """The PostgreSQL server of this process. Databases come from ``database_url``."""
    return start_migrated_postgres(f"postgres-{worker_id}")


@pytest.fixture
def empty_database_url(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """A database without any schema by its owner's account, dropped after the test."""
    name = _create_database(postgres_server, "template1")
    yield postgres_server.url(name, MIGRATIONS)
    _drop_database(postgres_server, name)


@pytest.fixture(scope="session")
def lent_databases(postgres_server: EmbeddedPostgres) -> LentDatabases:
    """Databases with the current schema and no rows, which tests have in turns."""
    return LentDatabases(
        make=lambda: _create_database(postgres_server, TEMPLATE),
        drop=lambda name: _drop_database(postgres_server, name),
        url_of=postgres_server.url,
    )


@pytest.fixture
def database_url(
    postgres_server: EmbeddedPostgres, lent_databases: LentDatabases, shared_engines: SharedEngines
) -> Iterator[str]:
    """A database with the current schema and no rows, for one test alone.

    By the account that processes have: ``superuser_url`` names it for looks behind the product.
    """
    yield from _lent_database(postgres_server, lent_databases, shared_engines)


@pytest.fixture(scope="module")
def module_database_url(
    postgres_server: EmbeddedPostgres, lent_databases: LentDatabases, shared_engines: SharedEngines
) -> Iterator[str]:
    """One database with the current schema for all tests of a module, and for nobody else."""
    yield from _lent_database(postgres_server, lent_databases, shared_engines)


@pytest.fixture(scope="session")
def shared_engines(postgres_server: EmbeddedPostgres) -> Iterator[SharedEngines]:
    """Engines on databases that modules share, or have in turns; they go with the server."""

    def make() -> str:
        return postgres_server.url(_create_database(postgres_server, TEMPLATE), PROCESSES)

    engines = SharedEngines(make)
    yield engines
    engines.dispose()


@pytest.fixture(scope="session")
def temporal_address() -> str:
    """Where the run's Temporal server answers; each test takes its own queue or organization."""
    return start_shared_temporal().address


@pytest.fixture(scope="session")
def one_event_loop() -> Iterator[BlockingPortal]:
    """The event loop of this process in which applications are served, whichever test asks."""
    with start_blocking_portal(backend_options={"use_uvloop": True}) as portal:
        yield portal


def _lent_database(
    server: EmbeddedPostgres, databases: LentDatabases, engines: SharedEngines
) -> Iterator[str]:
    name = databases.lend()
    yield server.url(name, PROCESSES)
    databases.take_back(name, staying=engines.connected_to(name))


def _create_database(server: EmbeddedPostgres, template: str) -> str:
    """The name of a new one."""
    name = f"test_{next(database_numbers)}"
    _execute(
        server,
        sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY OWNER {}").format(
            *map(sql.Identifier, (name, template, MIGRATIONS))
        ),
    )
    return name


def _drop_database(server: EmbeddedPostgres, name: str) -> None:
    _execute(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(server: EmbeddedPostgres, statement: sql.Composed) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute(statement)
