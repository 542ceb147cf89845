"""How long a task of a gateway waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from billing.payments.states import pause_after


@pytest.mark.parametrize(
    ("attempts", "seconds"),
    [(1, 5), (2, 10), (3, 20), (10, 2_560), (11, 3_600), (22, 3_600), (100_000, 3_600)],
)
def test_each_pause_is_twice_the_one_before_and_an_hour_at_most(
    attempts: int, seconds: int
) -> None:
    assert pause_after(attempts) == timedelta(seconds=seconds)
