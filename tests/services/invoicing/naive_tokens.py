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
    """A grant: what is left of it, and when it can be spent."""

    number: int
    coins: int
    begins_at: datetime
    ends_at: datetime | None
    used: int = 0

    def is_open(self, at: datetime) -> bool:
        """Whether it can be spent then."""
        return self.begins_at <= at and (self.ends_at is None or at < self.ends_at)

    @property
    def rank(self) -> tuple[bool, float, datetime, int]:
        """The one that ends first, then the older one."""
        ends = 0.0 if self.ends_at is None else self.ends_at.timestamp()
        return (self.ends_at is None, ends, self.begins_at, self.number)

    def give(self, coins: int) -> None:
        """So many pay for something."""
        self.coins -= coins
        self.used += coins

    def take_back(self, coins: int, at: datetime) -> None:
        """So many come back, and are lost where it is over."""
        self.used -= coins
        if self.ends_at is None or at < self.ends_at:
            self.coins += coins


@dataclass(kw_only=True)
class Line:
    """What a bill says of usage: who paid how many tenths, and what the rest came to in cents."""

    paid: dict[int, int] = field(default_factory=dict)
    rest: int = 0
    rest_left: int = 0
    cents: int = 0
    cents_left: int = 0

    @property
    def left(self) -> int:
        """Tenths that nobody has given back."""
        return sum(self.paid.values()) + self.rest_left


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
        line.rest_left = line.rest
        line.cents = line.cents_left = half_up(line.rest * self.rate)
        return line

    def give_back(self, line: Line, tenths: int, *, is_due: bool, at: datetime) -> int:
        """What a note of so many tenths gives back in cents; the rest goes into the jars."""
        nobodys = line.rest_left if is_due or not line.cents_left else 0
        lowered = min(tenths, nobodys)
        order = sorted(line.paid, key=lambda number: self.jars[number].rank)
        weights = [*(line.paid[number] for number in order), line.rest_left - lowered]
        shares = by_largest_remainder(tenths - lowered, weights)
        for number, share in zip(order, shares, strict=False):
            line.paid[number] -= share
            self.jars[number].take_back(share, at)
        line.rest_left -= lowered + shares[-1]
        gone = line.rest - line.rest_left
        whole = half_up(Fraction(line.cents * gone, line.rest)) if line.rest else 0
        cents = whole - (line.cents - line.cents_left)
        line.cents_left -= cents
        return cents

    def void(self, line: Line, at: datetime) -> None:
        """All that it took comes back."""
        for number, tenths in line.paid.items():
            self.jars[number].take_back(tenths, at)
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
