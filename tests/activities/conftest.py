"""A database for each module, and a life on it whose steps a worker runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from repositories.transactions import Transactions
from tests.activities.running import CountedTransactions, Steps
from tests.services.lives import Life, begin_life
from tests.services.shop import open_shop
from tests.shared_databases import module_engine

FIFTEENTH = datetime(2025, 1, 15, tzinfo=UTC)
FEBRUARY = datetime(2025, 2, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def transactions(request: pytest.FixtureRequest) -> Iterator[Transactions]:
    """Transactions of the application's role on the module's database."""
    for engine in module_engine(request):
        yield Transactions(engine)


@pytest.fixture(scope="module")
def counted(request: pytest.FixtureRequest) -> Iterator[CountedTransactions]:
    """Transactions of the worker, on the module's database."""
    for engine in module_engine(request):
        yield CountedTransactions(engine)


@pytest.fixture
def steps(counted: CountedTransactions) -> Iterator[Steps]:
    """The worker's steps."""
    yield Steps(counted)
    counted.refusal = None


@pytest.fixture
def life(transactions: Transactions) -> Life:
    """A dollar a call since January, seven of them on the 15th; February has just begun."""
    life = begin_life(open_shop(transactions))
    life.use(FIFTEENTH, 7)
    life.send_clock(FEBRUARY)
    return life
