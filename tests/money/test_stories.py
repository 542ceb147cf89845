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
from tests.money.stories import STORIES, Story
from tests.money.stories_of_notes import STORIES_OF_NOTES, STORIES_THAT_END_WRONG

EVERY_STORY = STORIES | STORIES_OF_NOTES


@pytest.mark.parametrize("name", EVERY_STORY)
def test_product_and_model_agree(name: str, transactions: Transactions, way_in: WayIn) -> None:
    tell(EVERY_STORY[name], transactions, way_in)


@pytest.mark.xfail(raises=AssertionError, strict=True, reason="CONTRACT 82: gives back too much")
@pytest.mark.parametrize("name", STORIES_THAT_END_WRONG)
def test_product_gives_back_no_more_than_people_wrote(
    name: str, transactions: Transactions, way_in: WayIn
) -> None:
    tell(STORIES_THAT_END_WRONG[name], transactions, way_in)


def tell(story: Story, transactions: Transactions, way_in: WayIn) -> None:
    """The story happens; whatever differs from the model, or from its end, raises."""
    opened, requests, expected = story
    driver = open_world(transactions, way_in, opened)
    for request in requests:
        assert driver.perform(request) is None, f"{request} was refused"
        compare(transactions, driver)

    assert driver.total() == Decimal(expected)
