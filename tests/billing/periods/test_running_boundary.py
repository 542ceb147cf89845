"""Where what runs now of a subscription ends: its trial or its period."""

from __future__ import annotations

import pytest

from billing.running_boundary import boundary_of
from billing.subscriptions import SubscriptionStatus
from tests.billing.builders import utc

TRIAL_END, PERIOD_END = utc("2025-01-15"), utc("2025-02-01")


def test_trial_ends_where_it_was_planned_to() -> None:
    found = boundary_of("TRIAL", trial_ends_at=TRIAL_END, period_ends_at=PERIOD_END)

    assert found == TRIAL_END


def test_trial_without_an_end_of_its_own_ends_with_its_period() -> None:
    assert boundary_of("TRIAL", trial_ends_at=None, period_ends_at=PERIOD_END) == PERIOD_END


@pytest.mark.parametrize(
    "status", [one for one in SubscriptionStatus if one is not SubscriptionStatus.TRIAL]
)
def test_trial_that_is_over_ends_nothing_any_more(status: str) -> None:
    found = boundary_of(status, trial_ends_at=TRIAL_END, period_ends_at=PERIOD_END)

    assert found == PERIOD_END
