"""What an alert watches, which thresholds it may have, and when one is reached."""

from __future__ import annotations

from decimal import Decimal

import pytest

from billing.errors import InvalidInput
from billing.notifications.alerts import (
    MOST_THRESHOLDS,
    AlertAction,
    AlertDirection,
    AlertOn,
    AlertTerms,
)

UP, DOWN = AlertDirection.UP, AlertDirection.DOWN


def terms(
    *thresholds: str,
    on: AlertOn = AlertOn.SPEND,
    direction: AlertDirection = UP,
    action: AlertAction = AlertAction.ALERT,
) -> AlertTerms:
    return AlertTerms(
        on=on,
        thresholds=tuple(map(Decimal, thresholds)),
        direction=direction,
        action=action,
    )


@pytest.mark.parametrize(
    ("direction", "value", "is_reached"),
    [
        (UP, "99.99", False),
        (UP, "100", True),
        (UP, "100.01", True),
        (DOWN, "100.01", False),
        (DOWN, "100", True),
        (DOWN, "99.99", True),
        (DOWN, "-5", True),
    ],
)
def test_a_threshold_is_reached_at_it_and_beyond_it(
    direction: AlertDirection, value: str, *, is_reached: bool
) -> None:
    one = terms("100", on=AlertOn.AVAILABLE, direction=direction)

    assert one.is_reached(Decimal(100), Decimal(value)) is is_reached


@pytest.mark.parametrize(
    ("thresholds", "code"),
    [
        ((), "no_thresholds"),
        (tuple(str(n) for n in range(MOST_THRESHOLDS + 1)), "too_many_thresholds"),
        (("10", "-1"), "negative_threshold"),
        (("10", "10"), "threshold_repeated"),
        (("10", "10.00"), "threshold_repeated"),
    ],
)
def test_thresholds_that_cannot_be_are_refused(thresholds: tuple[str, ...], code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        terms(*thresholds)

    assert (refused.value.code, refused.value.field) == (code, "thresholds")


def test_twenty_thresholds_and_one_of_nothing_are_taken() -> None:
    many = terms(*(str(n) for n in range(MOST_THRESHOLDS)))

    assert (len(many.thresholds), many.thresholds[0]) == (MOST_THRESHOLDS, 0)


@pytest.mark.parametrize("on", [AlertOn.SPEND, AlertOn.USAGE])
def test_what_only_grows_has_no_threshold_from_above(on: AlertOn) -> None:
    with pytest.raises(InvalidInput) as refused:
        terms("10", on=on, direction=DOWN)

    assert (refused.value.code, refused.value.field) == ("direction_of_alert", "direction")


@pytest.mark.parametrize("on", [AlertOn.USAGE, AlertOn.AVAILABLE])
def test_only_spend_closes_access(on: AlertOn) -> None:
    with pytest.raises(InvalidInput) as refused:
        terms("10", on=on, action=AlertAction.BLOCK)

    assert (refused.value.code, refused.value.field) == ("action_of_alert", "action")


def test_credit_is_watched_both_ways_and_spend_may_block() -> None:
    for direction in AlertDirection:
        assert terms("10", on=AlertOn.AVAILABLE, direction=direction).direction is direction
    assert terms("10", action=AlertAction.BLOCK).action is AlertAction.BLOCK
