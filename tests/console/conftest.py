"""The application with its pages, on one database for a module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.app import create_app
from api.context import AppContext
from cli.composition import pages_of
from repositories.transactions import Transactions
from runtime.security import Security
from tests.api.conftest import (
    SECRET,
    clock,
    kept_connections,
    owner,
    security,
    shared_loop,
    sign_up,
    visitor,
)
from tests.api.people import PATIENT_SECONDS, Clock
from tests.console.browser import browsing, in_hand
from tests.scenarios.product import Product, settings_for
from tests.services.receipts_of import signing
from tests.shared_databases import module_engine

PUBLIC = "http://billing.lumenworks.test"

__all__ = [
    "clock",
    "kept_connections",
    "owner",
    "security",
    "shared_loop",
    "sign_up",
    "visitor",
]


@pytest.fixture(scope="module")
def transactions(request: pytest.FixtureRequest) -> Iterator[Transactions]:
    """Transactions on a database in which tests meet as different organizations."""
    for engine in module_engine(request, pool_size=8):
        yield signing(Transactions(engine), SECRET)


@pytest.fixture(scope="module")
def product(module_database_url: str, temporal_address: str) -> Iterator[Product]:
    """API and worker on the real PostgreSQL and the real Temporal server."""
    running = Product(settings_for(module_database_url, temporal_address)).start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The browser of this process."""
    with browsing() as opened:
        yield opened


@pytest.fixture
def browser(chromium: Any) -> Iterator[Any]:
    """A headless browser, in the hand of a test."""
    with in_hand(chromium):
        yield chromium


@pytest.fixture
def app(
    transactions: Transactions, security: Security, clock: Clock, one_event_loop: BlockingPortal
) -> Iterator[FastAPI]:
    """The whole application, served."""
    context = AppContext(
        transactions=transactions,
        security=security,
        now=clock,
        public_url=PUBLIC,
        transaction_seconds=PATIENT_SECONDS,
    )
    served = create_app(context, pages=pages_of(context))
    with one_event_loop.wrap_async_context_manager(served.router.lifespan_context(served)):
        yield served
