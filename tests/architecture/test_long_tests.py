"""What is named as long is there: a file that moved would run among all others unseen."""

from __future__ import annotations

from tests.conftest import LONG_PLACES


def test_every_place_that_is_named_as_long_exists() -> None:
    assert [str(place) for place in LONG_PLACES if not place.exists()] == []
