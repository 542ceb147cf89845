"""Stories of seams, told to the product and to the model: both say the same, and it is right.

They are compared after every step; the number is what was worked out by hand for the end.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from repositories.transactions import Transactions
from tests.money.arrivals import WayIn
from tests.money.comparison import compare
from tests.money.driver import open_world
from tests.money.model.journal import WRITTEN, Advanced, BilledEarly, EventVoided
from tests.money.model.legality import refusal
from tests.money.stories.agreements import STORIES_OF_AGREEMENTS
from tests.money.stories.examples import on, sold
from tests.money.stories.forgiveness import STORIES_OF_FORGIVENESS
from tests.money.stories.notes import FIRST, REWRITTEN, STORIES_OF_NOTES, given_back
from tests.money.stories.seams import STORIES, Story

EVERY_STORY = STORIES | STORIES_OF_FORGIVENESS | STORIES_OF_NOTES | STORIES_OF_AGREEMENTS


@pytest.mark.parametrize("name", EVERY_STORY)
def test_product_and_model_agree(name: str, transactions: Transactions, way_in: WayIn) -> None:
    tell(EVERY_STORY[name], transactions, way_in)


def test_what_people_wrote_is_given_back_once(transactions: Transactions, way_in: WayIn) -> None:
    """By a correction, after the usage was voided, and then by hand."""
    driver = open_world(transactions, way_in, sold())
    for request in (*REWRITTEN, EventVoided(key="all"), Advanced(to=on(3, 2))):
        assert driver.perform(request) is None

    assert driver.perform(given_back(5, WRITTEN)) == "credit_exceeds_line"
    assert driver.total() == 0


def test_period_that_was_just_cut_is_not_cut_again(
    transactions: Transactions, way_in: WayIn
) -> None:
    cut = BilledEarly(subscription="first")
    driver = open_world(transactions, way_in, sold())
    for request in (FIRST, Advanced(to=on(1, 5)), cut, Advanced(to=on(1, 5, minute=1))):
        assert driver.perform(request) is None

    assert driver.perform(cut) is None
    assert refusal(driver.model, cut) == driver.perform(cut) == "nothing_to_invoice"
    driver.perform(Advanced(to=driver.model.now + timedelta(seconds=30)))
    assert refusal(driver.model, cut) == driver.perform(cut) == "nothing_to_invoice"


def tell(story: Story, transactions: Transactions, way_in: WayIn, *, by_end: bool = False) -> None:
    """The story happens; whatever differs from the model, or from its end, raises.

    ``by_end`` compares what it came to and no step on the way there.
    """
    opened, requests, expected = story
    driver = open_world(transactions, way_in, opened)
    for request in requests:
        assert driver.perform(request) is None, f"{request} was refused"
        if not by_end or request is requests[-1]:
            compare(transactions, driver)

    assert driver.total() == Decimal(expected)
