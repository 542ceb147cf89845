"""A customer who buys credit."""

from __future__ import annotations

import pytest

from tests.services.credits.purse import open_purse
from tests.services.purchases.till import Till
from tests.services.shop import Shop


@pytest.fixture
def till(shop: Shop) -> Till:
    """A customer without any credit yet."""
    return Till(purse=open_purse(shop))
