"""Organizations for service tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine
from tests.services.shop import Shop, open_shop


@pytest.fixture(scope="module")
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """Transactions of the application's role on the module's database."""
    engine = create_application_engine(module_database_url)
    yield Transactions(engine)
    engine.dispose()


@pytest.fixture
def shop(transactions: Transactions) -> Shop:
    """A new organization."""
    return open_shop(transactions)


@pytest.fixture
def other_shop(transactions: Transactions) -> Shop:
    """Another organization in the same database."""
    return open_shop(transactions)
