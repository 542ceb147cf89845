"""A database for each module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from repositories.transactions import Transactions
from runtime.database.engine import create_application_engine


@pytest.fixture(scope="module")
def transactions(module_database_url: str) -> Iterator[Transactions]:
    """Transactions of the application's role on the module's database."""
    engine = create_application_engine(module_database_url)
    yield Transactions(engine)
    engine.dispose()
