"""Databases that modules of tests share, whose tests see nothing but their own organizations.

One of its own costs a module what some of its tests cost: a thousand files are copied, every
statement is compiled anew, and the server reads its catalogue and plans anew for each connection.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from sqlalchemy import Engine, QueuePool, event, make_url

from integrations.gateways.sandbox.ledger.tables import metadata
from runtime.database.engine import create_application_engine
from tests.kept_connections import keep_connections_to, resting_at
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
    """The engines of this process that several modules use, one after the other.

    Those of a layer share one database; those on a database that is lent have it alone in turns.
    """

    def __init__(self, make_database: Callable[[], str]) -> None:
        self._make_database = make_database
        self._urls: dict[str, str] = {}
        self._engines: dict[tuple[str, int], Engine] = {}
        self._owners: dict[str, psycopg.Connection[Any]] = {}
        self._connected: defaultdict[str, set[int]] = defaultdict(set)

    def engine_of(self, layer: str, pool_size: int) -> Engine:
        """The engine of the layer's database."""
        if layer not in self._urls:
            self._urls[layer] = self._make_database()
        return self.engine_at(self._urls[layer], pool_size)

    def engine_at(self, url: str, pool_size: int) -> Engine:
        """The engine of a database; statements compiled once are kept for all."""
        key = (url, pool_size)
        if key not in self._engines:
            keep_connections_to(make_url(url).database)
            engine = create_application_engine(url, pool_size=pool_size)
            # More different statements than a process of the product asks for.
            engine.update_execution_options(compiled_cache={})
            connected = self._connected[str(engine.url.database)]
            event.listen(engine, "connect", lambda one, _: connected.add(one.info.backend_pid))
            self._engines[key] = engine
        return self._engines[key]

    def connected_to(self, database: str) -> set[int]:
        """The server's processes for the connections that are kept to it."""
        return self._connected[database] | resting_at(database)

    def let_go(self, database: str) -> None:
        """Whoever has a connection to it keeps it; everybody else gets a new one."""
        for engine in self._engines.values():
            if engine.url.database == database:
                engine.dispose()
        self._connected[database].clear()

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
    places = _places_of(request)
    engines: SharedEngines = request.getfixturevalue("shared_engines")
    if places.intersection(ALONE):
        engine = create_application_engine(request.getfixturevalue(_DATABASE), pool_size=pool_size)
        yield engine
        engine.dispose()
        return
    if not places.intersection(SHARING) or _names_its_own(request):
        shared = engines.engine_at(request.getfixturevalue(_DATABASE), pool_size)
    else:
        layer = request.path.relative_to(_TESTS).parts[0]
        shared = engines.engine_of(layer, pool_size)
        engines.quiet(layer)
    yield shared.execution_options()
    if isinstance(shared.pool, QueuePool) and shared.pool.checkedout():
        # Somebody died with a connection: the next module does not wait for it.
        engines.let_go(str(shared.url.database))


def _places_of(request: pytest.FixtureRequest) -> set[str]:
    name = request.path.relative_to(_TESTS)
    return {str(one) for one in (name, *name.parents)}


def _names_its_own(request: pytest.FixtureRequest) -> bool:
    return request.path in request.config.stash.get(own_databases, set())
