"""Stories of seams, told to the product and to the model: both say the same, and it is right.

They are compared after every step; the number is what was worked out by hand for the end.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from repositories.transactions import Transactions
from tests.money.arrivals import WayIn
from tests.money.comparison import compare
from tests.money.driver import open_world
from tests.money.stories import STORIES


@pytest.mark.parametrize("name", STORIES)
def test_product_and_model_agree(name: str, transactions: Transactions, way_in: WayIn) -> None:
    opened, requests, expected = STORIES[name]
    driver = open_world(transactions, way_in, opened)
    for request in requests:
        assert driver.perform(request) is None, f"{request} was refused"
        compare(transactions, driver)

    assert driver.total() == Decimal(expected)
