"""A customer of a new organization."""

from __future__ import annotations

import pytest

from tests.services.credits.purse import Purse, open_purse
from tests.services.shop import Shop


@pytest.fixture
def purse(shop: Shop) -> Purse:
    """A customer without any credit yet."""
    return open_purse(shop)
