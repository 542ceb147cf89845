"""An API that commands talk to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.product import Product, settings_for

NO_TEMPORAL = "127.0.0.1:1"


@pytest.fixture(scope="module")
def product(module_database_url: str) -> Iterator[Product]:
    """An API without a worker: events need neither a worker nor Temporal."""
    running = Product(settings_for(module_database_url, NO_TEMPORAL), with_worker=False).start()
    yield running
    running.stop()
