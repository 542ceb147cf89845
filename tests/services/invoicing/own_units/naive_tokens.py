"""A second model of bills in tokens: coins in jars, by whole tenths and fractions alone.

It knows neither segments nor cuts, and shares by counting. Units: tenths of a token, and cents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction


@dataclass(kw_only=True)
class Jar:
    """A grant: what is left of it, and when it can be spent.

    One that was sold for ``cost`` cents, and is taxed as it is used, pays after all that are free;
    ``unsaid`` is what of that no bill has said.
    """

    number: int
    coins: int
    begins_at: datetime
    ends_at: datetime | None
    used: int = 0
    cost: int | None = None
    size: int = field(init=False)
    unsaid: int = field(init=False)

    def __post_init__(self) -> None:
        self.size, self.unsaid = self.coins, self.cost or 0

    def is_open(self, at: datetime) -> bool:
        """Whether it can be spent then."""
        return self.begins_at <= at and (self.ends_at is None or at < self.ends_at)

    @property
    def rank(self) -> tuple[bool, bool, float, datetime, int]:
        """Free ones, then the one that ends first, then the older one."""
        ends = 0.0 if self.ends_at is None else self.ends_at.timestamp()
        is_sold = self.cost is not None
        return (is_sold, self.ends_at is None, ends, self.begins_at, self.number)

    def cost_of(self, coins: int) -> int:
        """What so many that are left had cost, in cents."""
        cost = self.cost or 0
        return cost - half_up(Fraction(cost * (self.size - coins), self.size))

    def give(self, coins: int) -> None:
        """So many pay for something."""
        self.coins -= coins
        self.used += coins

    def say(self) -> int:
        """What a bill says that those had cost which it took."""
        share = max(0, self.unsaid - self.cost_of(self.coins))
        self.unsaid -= share
        return share

    def take_back(self, coins: int, cents: int, at: datetime) -> None:
        """So many come back, of which a bill had said so much, and are lost where it is over."""
        self.used -= coins
        self.unsaid += cents
        if self.ends_at is None or at < self.ends_at:
            self.coins += coins
        else:
            self.unsaid -= self.cost_of(self.coins + coins) - self.cost_of(self.coins)


@dataclass(kw_only=True)
class Line:
    """What a bill says of usage: who paid how many tenths, and what the rest came to in cents.

    ``costs`` are what the tenths had cost that were sold, as the bill says it first.
    """

    paid: dict[int, int] = field(default_factory=dict)
    drawn: dict[int, int] = field(default_factory=dict)
    costs: dict[int, int] = field(default_factory=dict)
    costs_left: dict[int, int] = field(default_factory=dict)
    rest: int = 0
    rest_left: int = 0
    cents: int = 0
    cents_left: int = 0

    @property
    def left(self) -> int:
        """Tenths that nobody has given back."""
        return sum(self.paid.values()) + self.rest_left

    @property
    def cost(self) -> int:
        """What those had cost that it took, in cents."""
        return sum(self.costs.values())

    def cost_back(self, number: int) -> int:
        """What of that goes back, after what went back before, with what was just given back."""
        given = self.drawn[number] - self.paid[number]
        whole = half_up(Fraction(self.costs[number] * given, self.drawn[number]))
        back = whole - (self.costs[number] - self.costs_left[number])
        self.costs_left[number] -= back
        return back


@dataclass(kw_only=True)
class Till:
    """One customer's jars, and the price in cents of a tenth that no jar pays."""

    jars: list[Jar]
    rate: Fraction

    def bill(self, spent: Sequence[tuple[datetime, int, datetime | None]]) -> Line:
        """Pay tenth by tenth: when each was used, how many, and until when jars must be open."""
        line = Line()
        for used_at, tenths, until in spent:
            for _ in range(tenths):
                payers = [
                    jar
                    for jar in self.jars
                    if jar.coins and jar.is_open(used_at) and (until is None or jar.is_open(until))
                ]
                if not payers:
                    line.rest += 1
                    continue
                jar = min(payers, key=lambda one: one.rank)
                jar.give(1)
                line.paid[jar.number] = line.paid.get(jar.number, 0) + 1
        line.drawn = dict(line.paid)
        line.costs = {number: self.jars[number].say() for number in line.paid}
        line.costs_left = dict(line.costs)
        line.rest_left = line.rest
        line.cents = line.cents_left = half_up(line.rest * self.rate)
        return line

    def give_back(self, line: Line, tenths: int, *, is_due: bool, at: datetime) -> int:
        """What a note of so many tenths gives back in cents; the rest goes into the jars.

        With the cents that those in the jars had cost.
        """
        nobodys = line.rest_left if is_due or not line.cents_left else 0
        lowered = min(tenths, nobodys)
        order = sorted(line.paid, key=lambda number: self.jars[number].rank)
        weights = [*(line.paid[number] for number in order), line.rest_left - lowered]
        shares = by_largest_remainder(tenths - lowered, weights)
        costs = 0
        for number, share in zip(order, shares, strict=False):
            line.paid[number] -= share
            back = line.cost_back(number)
            costs += back
            self.jars[number].take_back(share, back, at)
        line.rest_left -= lowered + shares[-1]
        gone = line.rest - line.rest_left
        whole = half_up(Fraction(line.cents * gone, line.rest)) if line.rest else 0
        cents = whole - (line.cents - line.cents_left)
        line.cents_left -= cents
        return cents + costs

    def void(self, line: Line, at: datetime) -> None:
        """All that it took comes back."""
        for number, tenths in line.paid.items():
            self.jars[number].take_back(tenths, line.costs_left[number], at)
        line.paid = {}


def half_up(number: Fraction) -> int:
    """To a whole number, a half upwards."""
    return int((2 * number + 1) // 2)


def by_largest_remainder(tenths: int, weights: Sequence[int]) -> list[int]:
    """So many in proportion to the weights."""
    whole = sum(weights)
    if not tenths:
        return [0] * len(weights)
    exact = [Fraction(tenths * one, whole) for one in weights]
    shares = [int(one) for one in exact]
    order = sorted(range(len(weights)), key=lambda at: (shares[at] - exact[at], at))
    for at in order[: tenths - sum(shares)]:
        shares[at] += 1
    return shares
