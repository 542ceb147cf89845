"""A running product, and clients made of what it prints."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clients.generator.current import make_current
from tests.scenarios.product import Product, settings_for

# Before the tests are collected, which import what is generated here.
make_current()


@pytest.fixture(scope="module")
def product(module_database_url: str, temporal_address: str) -> Iterator[Product]:
    """API and worker on the real PostgreSQL and the real Temporal server."""
    running = Product(settings_for(module_database_url, temporal_address), is_told=True).start()
    yield running
    running.stop()
