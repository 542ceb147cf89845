"""The real application on the real database, without a Temporal server."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.app import create_app
from api.context import AppContext
from repositories.transactions import Transactions
from runtime.security import Security
from tests import passwords
from tests.api.answers import AnswerChecks
from tests.api.people import PATIENT_SECONDS, Clock, Person
from tests.kept_connections import keeping_connections_on
from tests.shared_databases import module_engine

SECRET = "a secret that only tests know, long enough"


@pytest.fixture(scope="session")
def security() -> Security:
    """Hashing and tokens."""
    return Security(SECRET, passwords=passwords.QUICK)


@pytest.fixture(scope="session", autouse=True)
def shared_loop(one_event_loop: BlockingPortal) -> None:
    """All requests are answered in one event loop, as a server does; else each makes its own."""
    Person.shared_portal = one_event_loop


@pytest.fixture(scope="module", autouse=True)
def kept_connections(one_event_loop: BlockingPortal) -> Iterator[None]:
    """Connections of that loop to shared databases go from one application to the next."""
    with keeping_connections_on(one_event_loop):
        yield


@pytest.fixture
def clock() -> Clock:
    """What the application reads for the time."""
    return Clock()


@pytest.fixture(scope="module")
def transactions(request: pytest.FixtureRequest) -> Iterator[Transactions]:
    """Transactions on a database in which tests meet as different organizations."""
    for engine in module_engine(request, pool_size=8):
        yield Transactions(engine)


@pytest.fixture
def context(transactions: Transactions, security: Security, clock: Clock) -> AppContext:
    """The application's surroundings, in which a busy machine gives up no request as slow."""
    return AppContext(
        transactions=transactions, security=security, now=clock, transaction_seconds=PATIENT_SECONDS
    )


@pytest.fixture
def app(context: AppContext, one_event_loop: BlockingPortal) -> Iterator[FastAPI]:
    """The whole application, served: what it holds open is closed after the test."""
    yield from serve(context, one_event_loop)


def serve(context: AppContext, loop: BlockingPortal) -> Iterator[FastAPI]:
    """The application in an event loop, for as long as somebody asks."""
    served = create_app(context)
    with loop.wrap_async_context_manager(served.router.lifespan_context(served)):
        yield served


@pytest.fixture(scope="module")
def shared_app(
    transactions: Transactions, security: Security, one_event_loop: BlockingPortal
) -> Iterator[FastAPI]:
    """One application for a whole module, for requests that leave no trace."""
    context = AppContext(
        transactions=transactions,
        security=security,
        now=Clock(),
        transaction_seconds=PATIENT_SECONDS,
    )
    yield from serve(context, one_event_loop)


@pytest.fixture(scope="module")
def shared_owner(shared_app: FastAPI) -> Person:
    """The owner of one organization for a whole module, for requests that leave no trace."""
    return Person(shared_app).sign_up()


@pytest.fixture
def compared(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> AnswerChecks:
    """From now on every answer is compared with the document, as it is everywhere on demand."""
    monkeypatch.setattr(Person, "compares_answers", True)
    return AnswerChecks.of_all()


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
