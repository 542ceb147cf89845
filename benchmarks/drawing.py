"""P16: how many lines one core lets credit pay a second.

    python -m benchmarks drawing

Drawing is pure, so there is no limit of another system to compare with. A bill has 20 lines, each
used in four parts, and a wallet of 50 grants, half of which end within the period.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median
from time import process_time
from uuid import UUID

from benchmarks.figures import Result, figure
from billing.credits.cuts import Segment
from billing.credits.drawing import DrawableLine, Lot, draw
from billing.credits.grants import Grant, GrantKind
from billing.units import currency_unit

BILLS_A_ROUND = 200
LINES = 20
PARTS = 4
GRANTS = 50
ROUNDS = 7
GOAL = 10_000
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


def measure() -> list[Result]:
    """Lines that are paid a second, median of seven rounds."""
    lines, lots = list_lines(), list_lots()
    speed = median(_lines_a_second(lines, lots) for _ in range(ROUNDS))
    return [
        figure(
            "P16",
            f"lines paid by credit a second, of a wallet with {GRANTS} grants",
            value=speed,
            unit="lines/s",
            limit=GOAL,
            ratio=speed / GOAL,
            goal=f"≥ {GOAL:,} lines/s a core",
            met=speed >= GOAL,
        )
    ]


def list_lines() -> list[DrawableLine]:
    """A bill's lines, each used week by week."""
    return [
        DrawableLine(
            position=place + 1,
            segments=tuple(
                Segment(used_at=BEGIN + week * WEEK, amount=Decimal(f"{place + 1}.25"))
                for week in range(PARTS)
            ),
        )
        for place in range(LINES)
    ]


def list_lots() -> list[Lot]:
    """A wallet of grants that begin before the period, and of which every other one ends in it."""
    unit = currency_unit("USD")
    return [
        Lot(
            grant=Grant(
                grant_id=UUID(int=place + 1),
                sequence=place + 1,
                unit=unit,
                amount=Decimal(20),
                kind=GrantKind.FREE if place % 3 else GrantKind.PAID,
                priority=50 - place % 2,
                effective_at=BEGIN - WEEK,
                expires_at=BEGIN + (place % PARTS + 1) * WEEK if place % 2 else None,
            ),
            rest=Decimal("15.5"),
        )
        for place in range(GRANTS)
    ]


def _lines_a_second(lines: list[DrawableLine], lots: list[Lot]) -> float:
    begun = process_time()
    for _ in range(BILLS_A_ROUND):
        draw(lines, lots)
    return BILLS_A_ROUND * len(lines) / (process_time() - begun)
