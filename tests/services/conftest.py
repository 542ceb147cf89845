"""Organizations for service tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from repositories.transactions import Transactions
from tests.services.shop import Shop, open_shop
from tests.shared_databases import module_engine


@pytest.fixture(scope="module")
def transactions(request: pytest.FixtureRequest) -> Iterator[Transactions]:
    """Transactions of the application's role; a module that looks at all has its own database."""
    for engine in module_engine(request):
        yield Transactions(engine)


@pytest.fixture
def shop(transactions: Transactions) -> Shop:
    """A new organization."""
    return open_shop(transactions)


@pytest.fixture
def other_shop(transactions: Transactions) -> Shop:
    """Another organization in the same database."""
    return open_shop(transactions)
