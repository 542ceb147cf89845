"""One database for a module; each test has an organization of its own in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from anyio.from_thread import BlockingPortal

from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.security import Security
from tests import passwords
from tests.telling import Telling, told_by

SECRET = "a secret that only tests know, long enough"


@pytest.fixture(scope="session")
def security() -> Security:
    """Hashing, tokens and sealed secrets."""
    return Security(SECRET, passwords=passwords.QUICK)


@pytest.fixture
def transactions(database_url: str) -> Iterator[Transactions]:
    """Transactions on a database that no other test's deliveries are in."""
    engine = create_application_engine(database_url, pool_size=8)
    yield Transactions(engine)
    engine.dispose()


@pytest.fixture
def telling(
    transactions: Transactions, security: Security, one_event_loop: BlockingPortal
) -> Iterator[Telling]:
    """An organization that may tell this machine what happens to it."""
    with told_by(transactions, security, one_event_loop) as told:
        yield told
