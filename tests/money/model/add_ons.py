"""Add-ons in the model of money: how many there were from when on, counted day by day.

*Source: CREDITS 23.*
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import groupby, pairwise

from tests.billing.naive import round_half_away
from tests.money.model.rating import Part, World

NOTHING = Fraction(0)
MICROSECOND = timedelta(microseconds=1)


@dataclass(slots=True, kw_only=True)
class AddOn:
    """Something beside the plan, and how many there were from when on."""

    price: Fraction
    quantities: list[tuple[datetime, Fraction]] = field(default_factory=list)

    @property
    def has_ended(self) -> bool:
        """Whether there will never be one again."""
        return self.quantities[-1][1] == NOTHING

    def hold(self, at: datetime, quantity: Fraction) -> None:
        """So many from then on; what held for no time never was."""
        at = max([at, *(since for since, _ in self.quantities)])
        self.quantities = [one for one in self.quantities if one[0] != at]
        self.quantities.append((at, quantity))

    def owed(self, world: World, part: Part) -> Fraction:
        """As long as there are as many it is one line, which is rounded once."""
        pieces = self._seconds(part) if world.by_second else self._days(part)
        total = NOTHING
        for quantity, run in groupby(pieces, key=lambda one: one[0]):
            amount = self.price * quantity * sum((share for _, share in run), NOTHING)
            total += round_half_away(amount, world.places)
        return total

    def _days(self, part: Part) -> Iterator[tuple[Fraction, Fraction]]:
        """How many there were as each day ended, and what a day is of the whole."""
        whole = (part.regular.ends_at.date() - part.regular.starts_at.date()).days
        day = part.span.starts_at.date()
        while day < part.span.ends_at.date():
            yield (
                self._last(since.date() <= day for since, _ in self.quantities),
                Fraction(1, whole),
            )
            day += timedelta(days=1)

    def _seconds(self, part: Part) -> Iterator[tuple[Fraction, Fraction]]:
        """How many there were between one change and the next, and what that is of the whole."""
        span, whole = part.span, part.regular.ends_at - part.regular.starts_at
        within = {since for since, _ in self.quantities if span.holds(since)}
        edges = sorted(within | {span.starts_at, span.ends_at})
        for begin, end in pairwise(edges):
            quantity = self._last(since <= begin for since, _ in self.quantities)
            yield quantity, Fraction((end - begin) // MICROSECOND, whole // MICROSECOND)

    def _last(self, held: Iterable[bool]) -> Fraction:
        found = [one for (_, one), is_held in zip(self.quantities, held, strict=True) if is_held]
        return found[-1] if found else NOTHING
