"""A database and a way in for usage, for everything that is compared with the model."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from repositories.transactions import Transactions
from tests.money.arrivals import WayIn
from tests.money.copies import Copier
from tests.prepared import create_prepared_engine


@pytest.fixture(scope="module")
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """Transactions of the application's role, by which thousands of lives do the same."""
    engine = create_prepared_engine(module_database_url)
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
