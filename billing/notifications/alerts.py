"""Alerts: what is watched, its thresholds, and which of them are reached.

Source: CREDITS 25.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from billing.errors import InvalidInput
from billing.money import ZERO, require_decimals

MOST_THRESHOLDS: Final = 20


class AlertOn(StrEnum):
    """What is watched: money that running periods come to, usage of a meter, or credit."""

    SPEND = "spend"
    USAGE = "usage"
    AVAILABLE = "available"


class AlertDirection(StrEnum):
    """Whether a threshold is reached from below or from above."""

    UP = "up"
    DOWN = "down"


class AlertAction(StrEnum):
    """Whether somebody is told, or access ends besides."""

    ALERT = "alert"
    BLOCK = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTerms:
    """What is watched, and when that is told. Units: those of what is watched.

    Raises: InvalidInput, which names the field.
    """

    on: AlertOn
    thresholds: tuple[Decimal, ...]
    direction: AlertDirection
    action: AlertAction = AlertAction.ALERT

    def __post_init__(self) -> None:
        require_decimals(**{f"thresholds.{n}": one for n, one in enumerate(self.thresholds)})
        if not 1 <= len(self.thresholds) <= MOST_THRESHOLDS:
            raise InvalidInput(
                f"An alert has 1 to {MOST_THRESHOLDS} thresholds.",
                code="too_many_thresholds" if self.thresholds else "no_thresholds",
                field="thresholds",
            )
        if any(one < ZERO for one in self.thresholds):
            raise InvalidInput(
                "A threshold is at least 0.", code="negative_threshold", field="thresholds"
            )
        if len(set(self.thresholds)) < len(self.thresholds):
            raise InvalidInput(
                "A threshold is there twice.", code="threshold_repeated", field="thresholds"
            )
        if self.direction is AlertDirection.DOWN and self.on is not AlertOn.AVAILABLE:
            raise InvalidInput(
                "Spend and usage only grow within a period: say up.",
                code="direction_of_alert",
                field="direction",
            )
        if self.action is AlertAction.BLOCK and self.on is not AlertOn.SPEND:
            raise InvalidInput(
                "Only spend can block: features limit usage, and charges credit.",
                code="action_of_alert",
                field="action",
            )

    def is_reached(self, threshold: Decimal, value: Decimal) -> bool:
        """Whether the value is at the threshold or beyond it."""
        if self.direction is AlertDirection.UP:
            return value >= threshold
        return value <= threshold
