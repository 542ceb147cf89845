"""A database and a way in for usage, for everything that is compared with the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection
from sqlalchemy import event

from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from tests.money.arrivals import WayIn
from tests.money.copies import Copier

MOST_STATEMENTS = 2_000
"""More than there are: each is prepared once, for thousands of lives."""


@pytest.fixture(scope="module")
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """Transactions of the application's role, by which thousands of lives do the same."""
    engine = create_application_engine(module_database_url)

    @event.listens_for(engine, "connect")
    def prepare_early(connection: Connection[Any], _record: object) -> None:
        connection.prepare_threshold, connection.prepared_max = 2, MOST_STATEMENTS
        connection.execute("SET plan_cache_mode = force_generic_plan")
        connection.commit()

    yield Transactions(engine)
    engine.dispose()


@pytest.fixture
def way_in(transactions: Transactions) -> Iterator[WayIn]:
    """How usage arrives."""
    opened = WayIn(transactions)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def copier(transactions: Transactions) -> Iterator[Copier]:
    """Makes copies of organizations."""
    opened = Copier(transactions)
    yield opened
    opened.close()
