"""What is named as long, or for its database, is there: a file that moved would go unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import LONG_PLACES
from tests.shared_databases import ALONE, SHARING

TESTS = Path(__file__).parents[1]


def test_every_place_that_is_named_as_long_exists() -> None:
    assert [str(place) for place in LONG_PLACES if not place.exists()] == []


@pytest.mark.parametrize("places", [SHARING, ALONE], ids=["sharing", "alone"])
def test_every_place_that_is_named_for_its_database_exists(places: tuple[str, ...]) -> None:
    assert [one for one in places if not (TESTS / one).exists()] == []


def test_whoever_has_a_database_alone_would_share_one_otherwise() -> None:
    assert [one for one in ALONE if not any(one.startswith(f"{place}/") for place in SHARING)] == []
