"""Databases that modules of tests share, whose tests see nothing but their own organizations.

One of its own costs a module what some of its tests cost: a thousand files are copied, every
statement is compiled anew, and the server reads its catalogue and plans anew for each connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from sqlalchemy import Engine, QueuePool, make_url

from integrations.gateways.sandbox.ledger.tables import metadata
from runtime.database.engine import create_application_engine
from tests.kept_connections import keep_connections_to
from tests.servers import superuser_url

SHARING: Final = (
    *(f"services/{one}" for one in ("books", "catalog", "corrections", "credits", "entitlements")),
    *(f"services/{one}" for one in ("lifecycle", "payments", "purchases", "rating")),
    *("services/subscriptions", "services/usage", "services/test_customers.py"),
    *(f"api/{one}" for one in ("catalog", "credits", "customers", "discounts", "entitlements")),
    *(f"api/{one}" for one in ("gateways", "ingestion", "invoicing", "payments", "reads", "usage")),
    *("console", "notifications", "repositories"),
)
"""Folders and modules that share a database with others of their layer."""

ALONE: Final = (
    # They look at all organizations.
    *("services/purchases/test_selling_again.py", "repositories/payments/test_scheduled.py"),
    # They look at how the server plans, which goes by how much there is.
    *("services/usage/test_aggregates.py", "services/usage/test_late_listing.py"),
    # They find who waits for a lock.
    *("services/rating/test_cap_races.py", "services/subscriptions/test_clocks.py"),
)
"""Those of them that do not: what others left there would be theirs as well."""

_TESTS: Final = Path(__file__).parent
_DATABASE: Final = "module_database_url"
"""The fixture by which a test says that its module has a database of its own."""

_WAITING: Final = ("outbox_message", "webhook_delivery", "email", "gateway_task")
"""What waits for whoever looks next, whose organization it ever is."""

_FORGET: Final = "; ".join(f"DELETE FROM {one}" for one in (*_WAITING, *metadata.tables))
"""That, and all that the sandbox gateway knows."""

own_databases = pytest.StashKey[set[Path]]()


class SharedEngines:
    """The engines of this process on databases that modules share, one database for a layer."""

    def __init__(self, make_database: Callable[[], str]) -> None:
        self._make_database = make_database
        self._urls: dict[str, str] = {}
        self._engines: dict[tuple[str, int], Engine] = {}
        self._owners: dict[str, psycopg.Connection[Any]] = {}

    def engine_of(self, layer: str, pool_size: int) -> Engine:
        """The engine of the layer's database; statements compiled once are kept for all."""
        key = (layer, pool_size)
        if layer not in self._urls:
            self._urls[layer] = url = self._make_database()
            keep_connections_to(make_url(url).database)
        if key not in self._engines:
            engine = create_application_engine(self._urls[layer], pool_size=pool_size)
            # More different statements than a process of the product asks for.
            engine.update_execution_options(compiled_cache={})
            self._engines[key] = engine
        return self._engines[key]

    def quiet(self, layer: str) -> None:
        """Nothing waits in the layer's database that an earlier test left there."""
        owner = self._owners.get(layer)
        if owner is None:
            owner = psycopg.connect(superuser_url(self._urls[layer]), autocommit=True)
            # Whatever refers to what waits may stay: nobody looks at it any more.
            owner.execute("SET session_replication_role = replica; SET lock_timeout = '120s'")
            self._owners[layer] = owner
        owner.execute(_FORGET)

    def dispose(self) -> None:
        """Nothing is connected any more."""
        for owner in self._owners.values():
            owner.close()
        for engine in self._engines.values():
            engine.dispose()


def note_own_databases(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whoever names the database of the module has it alone, and so have its neighbours in it."""
    named = config.stash.setdefault(own_databases, set())
    for item in items:
        if isinstance(item, pytest.Function) and _DATABASE in item.fixturenames:
            named.add(item.path)


def module_engine(request: pytest.FixtureRequest, *, pool_size: int = 10) -> Iterator[Engine]:
    """The engine of a module: on a shared database, if its tests may share one, else on its own.

    What listens to the engine listens to this module's statements only.
    """
    if not _shares(request):
        engine = create_application_engine(request.getfixturevalue(_DATABASE), pool_size=pool_size)
        yield engine
        engine.dispose()
        return
    layer = request.path.relative_to(_TESTS).parts[0]
    engines: SharedEngines = request.getfixturevalue("shared_engines")
    shared = engines.engine_of(layer, pool_size)
    engines.quiet(layer)
    yield shared.execution_options()
    if isinstance(shared.pool, QueuePool) and shared.pool.checkedout():
        # Somebody died with a connection: the next module does not wait for it.
        shared.dispose()


def _shares(request: pytest.FixtureRequest) -> bool:
    if request.path in request.config.stash.get(own_databases, set()):
        return False
    name = request.path.relative_to(_TESTS)
    places = {str(one) for one in (name, *name.parents)}
    return bool(places.intersection(SHARING)) and not places.intersection(ALONE)
