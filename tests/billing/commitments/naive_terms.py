"""A second model of commitments: it walks day by day, in fractions, and shares no arithmetic.

Every month has thirty days, of which a part bills some; what is spent is in whole cents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

DAYS = 30


@dataclass(frozen=True)
class NaivePart:
    """So many days of a month, whether the plan has the commitment then, and what is spent."""

    month: int
    days: int
    ends_month: bool
    is_committed: bool
    spent: int


def settle_all(
    parts: Sequence[NaivePart], *, cents: int, months: int, factor: Fraction, is_over: bool
) -> list[tuple[int, int]]:
    """What each part's bill adds, in cents, by its place; parts that add nothing are left out."""
    added: list[tuple[int, int]] = []
    days, spent, seen, running = 0, 0, set[int](), False
    for place, part in enumerate(parts):
        if not part.is_committed:
            continue
        running = True
        for _ in range(part.days):
            days += 1
        spent += part.spent
        seen.add(part.month)
        next_part = parts[place + 1] if place + 1 < len(parts) else None
        ends = part.ends_month and len(seen) == months
        if next_part is None:
            ends = ends or is_over
        elif not next_part.is_committed:
            ends = True
        if ends and running:
            owed = cents * Fraction(days, DAYS * months)
            due = owed - spent if spent <= owed else (spent - owed) * (factor - 1)
            added.append((place, rounded(due)))
            days, spent, seen, running = 0, 0, set(), False
    return [one for one in added if one[1]]


def rounded(cents: Fraction) -> int:
    """To whole cents, half away from zero."""
    whole = int(abs(cents) + Fraction(1, 2))
    return whole if cents >= 0 else -whole
