"""One database for a module; each test has an organization of its own in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal
from sqlalchemy import Engine

from repositories.transactions import Transactions
from runtime.security import Security
from tests import passwords
from tests.kept_connections import keeping_connections_on
from tests.shared_databases import SharedEngines, module_engine
from tests.telling import Telling, told_by

SECRET = "a secret that only tests know, long enough"


@pytest.fixture(scope="session")
def security() -> Security:
    """Hashing, tokens and sealed secrets."""
    return Security(SECRET, passwords=passwords.QUICK)


@pytest.fixture(scope="module", autouse=True)
def kept_connections(one_event_loop: BlockingPortal) -> Iterator[None]:
    """Connections of that loop to shared databases go from one application to the next."""
    with keeping_connections_on(one_event_loop):
        yield


@pytest.fixture(scope="module")
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """Connections to a database that other tests use before and after."""
    yield from module_engine(request, pool_size=8)


@pytest.fixture
def transactions(engine: Engine, shared_engines: SharedEngines) -> Transactions:
    """Transactions on a database in which nothing waits that another test left there."""
    shared_engines.quiet("notifications")
    return Transactions(engine)


@pytest.fixture
def telling(
    transactions: Transactions, security: Security, one_event_loop: BlockingPortal
) -> Iterator[Telling]:
    """An organization that may tell this machine what happens to it."""
    with told_by(transactions, security, one_event_loop) as told:
        yield told
