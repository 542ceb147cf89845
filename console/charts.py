"""Charts as SVG that the server draws: bars, and where each one's words and numbers stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from billing.money import ONE, ZERO, round_half_away

HEIGHT: Final = 100
STEP: Final = 12
BAR: Final = 9
LOWEST: Final = Decimal("1.5")
"""A bar that is not nothing can be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar, in the units of the drawing, and what it stands for."""

    x: int
    y: str
    height: str
    label: str
    value: str
    is_to_come: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart with its alternative: every bar has its words and its number."""

    title: str
    total: str
    bars: tuple[Bar, ...]


def draw_bars(
    usages: Sequence[Decimal], labels: Sequence[str], values: Sequence[str], to_come: Sequence[bool]
) -> tuple[Bar, ...]:
    """The bars side by side, the greatest over the whole height. Below zero is nothing."""
    greatest = max([*usages, ZERO])
    bars = []
    for number, usage in enumerate(usages):
        height = round_half_away(max(usage, ZERO) * (HEIGHT - 4), 1, divisor=greatest or ONE)
        height = max(height, LOWEST) if usage > ZERO or to_come[number] else height
        bars.append(
            Bar(
                x=number * STEP + (STEP - BAR) // 2,
                y=str(HEIGHT - height),
                height=str(height),
                label=labels[number],
                value=values[number],
                is_to_come=to_come[number],
            )
        )
    return tuple(bars)
