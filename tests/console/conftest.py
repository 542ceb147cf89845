"""The application with its pages, on one database for a module."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.app import create_app
from api.context import AppContext
from cli.composition import pages_of
from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from runtime.security import Security
from tests import passwords
from tests.api.people import Clock, Person
from tests.services.receipts_of import signing

PUBLIC = "http://billing.lumenworks.test"
SECRET = "a secret that only tests know, long enough"


@pytest.fixture(scope="session")
def security() -> Security:
    """Hashing and tokens."""
    return Security(SECRET, passwords=passwords.QUICK)


@pytest.fixture(scope="session", autouse=True)
def shared_loop(one_event_loop: BlockingPortal) -> None:
    """All requests are answered in one event loop, as a server does."""
    Person.shared_portal = one_event_loop


@pytest.fixture
def clock() -> Clock:
    """What the application reads for the time."""
    return Clock()


@pytest.fixture(scope="module")
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """Transactions on one database for a module; its tests meet as different organizations."""
    engine = create_application_engine(module_database_url, pool_size=8)
    yield signing(Transactions(engine), SECRET)
    engine.dispose()


@pytest.fixture
def app(
    transactions: Transactions, security: Security, clock: Clock, one_event_loop: BlockingPortal
) -> Iterator[FastAPI]:
    """The whole application, served."""
    context = AppContext(transactions=transactions, security=security, now=clock, public_url=PUBLIC)
    served = create_app(context, pages=pages_of(context))
    with one_event_loop.wrap_async_context_manager(served.router.lifespan_context(served)):
        yield served


@pytest.fixture
def visitor(app: FastAPI) -> Person:
    """Somebody without credentials."""
    return Person(app)


@pytest.fixture
def owner(app: FastAPI) -> Person:
    """The owner of a fresh organization, logged in by cookies."""
    return Person(app).sign_up()


@pytest.fixture
def sign_up(app: FastAPI) -> Callable[[str], Person]:
    """Makes organizations; gives their owners."""

    def make(name: str) -> Person:
        return Person(app).sign_up(name)

    return make
