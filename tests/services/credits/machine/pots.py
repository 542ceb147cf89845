"""A second model of everything that credit can do: coins in pots, counted in fractions.

It shares no code with the product. Nothing is posted and nothing is stored: a pot knows what was
taken out of it and why, and whoever looks at one that is too old, or was promised to somebody who
never came, simply sees that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

Name = object
NEVER = datetime(9000, 1, 1, tzinfo=UTC)
NONE = Fraction(0)


@dataclass(kw_only=True)
class Refill:
    """How what is left of an old pot goes into a new one."""

    times: int
    most: Fraction | None
    share: Fraction | None
    lasts: timedelta | None


@dataclass(kw_only=True, eq=False)
class Pot:
    """Coins that were given, and what became of them. ``begins`` is None until it is paid for.

    ``number`` is the place among all pots, which nobody knows before the product has said it.
    ``kin`` says which pot, or which habit and time, it comes from.
    """

    given: Fraction
    starts: datetime
    ends: datetime | None
    is_free: bool = True
    urgency: int = 50
    for_usage_alone: bool = False
    refill: Refill | None = None
    begins: datetime | None = None
    kin: object = None
    name: Name = None
    number: int = 1_000_000
    is_broken: bool = False
    is_emptied: bool = False
    spent: Fraction = NONE
    gone: Fraction = NONE
    promised: dict[Name, Fraction] = field(default_factory=dict)

    def held(self) -> Fraction:
        """What of it is promised."""
        return sum(self.promised.values(), NONE)

    def free(self) -> Fraction:
        """What of it is there for anybody."""
        if self.begins is None:
            return NONE
        return self.given - self.spent - self.gone - self.held()

    def lives(self, at: datetime) -> bool:
        """Whether something that happens then can be paid out of it."""
        begun = self.begins is not None and self.begins <= at
        return begun and (self.ends is None or at < self.ends)

    def is_over(self, at: datetime) -> bool:
        """Whether what comes back to it falls through."""
        return self.is_broken or self.is_emptied or (self.ends is not None and self.ends <= at)

    def rank(self) -> tuple[Any, ...]:
        """Who pays first, of pots of the same colour."""
        return (
            self.urgency,
            self.ends or NEVER,
            not self.for_usage_alone,
            not self.is_free,
            self.begins,
            self.number,
        )


@dataclass(kw_only=True)
class Owed:
    """Coins that somebody owes for what happened; ``still`` is when a pot must live as well."""

    at: datetime
    amount: Fraction
    is_usage: bool = False
    still: datetime | None = None


@dataclass(kw_only=True)
class Promise:
    """Coins that wait for somebody, from which pots, until it is too late."""

    until: datetime
    parts: dict[int, tuple[Pot, Fraction]]
    is_done: bool = False
    was_kept: Fraction | None = None

    def amount(self) -> Fraction:
        """All of them."""
        return sum((part for _, part in self.parts.values()), NONE)


@dataclass(kw_only=True)
class Habit:
    """Somebody fills another pot again and again."""

    name: Name
    given: Fraction
    starts: datetime
    every: timedelta
    lasts: timedelta | None
    stops: datetime | None = None
    times: int = 0

    def due(self, at: datetime) -> Iterator[Pot]:
        """The pots that were filled since somebody asked."""
        while (put := self.starts + self.times * self.every) <= at:
            if self.stops is not None and put >= self.stops:
                return
            ends = None if self.lasts is None else put + self.lasts
            kin = (self.name, self.times)
            self.times += 1
            yield Pot(given=self.given, starts=put, begins=put, ends=ends, kin=kin)


class Shelf:
    """All pots of somebody, what they promised, and what they owe."""

    def __init__(self) -> None:
        self.pots: list[Pot] = []
        self.habits: list[Habit] = []
        self.promises: dict[Name, Promise] = {}

    def look(self, at: datetime) -> None:
        """It is that late by now."""
        for promise in self.promises.values():
            if not promise.is_done and promise.until <= at:
                self._drop(promise)
        for habit in self.habits:
            self.pots += habit.due(at)

    def _drop(self, promise: Promise) -> None:
        promise.is_done = True
        for pot, part in promise.parts.values():
            pot.promised.pop(id(promise))
            # No promise outlives its pots, so one that is only old was so later.
            if pot.is_broken or pot.is_emptied:
                pot.gone += part

    def promise(
        self, name: Name, amount: Fraction, at: datetime, until: datetime, owed: Sequence[Owed]
    ) -> bool:
        """Whether it could be promised beside what is owed already."""
        good = [
            one
            for one in self.pots
            if one.lives(at) and not one.for_usage_alone and (one.ends or NEVER) >= until
        ]
        good.sort(key=lambda one: (not one.is_free, *one.rank()))
        if sum((one.free() for one in good), NONE) - self.used(owed, at)[1] < amount:
            return False
        parts = {}
        for pot in good:
            part = min(pot.free(), amount)
            amount -= part
            if part:
                parts[id(pot)] = (pot, part)
        made = Promise(until=until, parts=parts)
        for pot, part in parts.values():
            pot.promised[id(made)] = part
        self.promises[name] = made
        return True

    def keep(self, name: Name, used: Fraction) -> None:
        """So much of what was promised was used, the rest was not."""
        promise = self.promises[name]
        promise.was_kept = used
        left = {}
        for key, (pot, part) in promise.parts.items():
            taken = min(part, used)
            used -= taken
            pot.spent += taken
            pot.promised[id(promise)] -= taken
            left[key] = (pot, part - taken)
        promise.parts = left
        self._drop(promise)

    def pay(self, lines: Sequence[Sequence[Owed]]) -> dict[int, Fraction]:
        """What each pot pays of the lines of a bill, by its place on the shelf."""
        room = {place: one.free() for place, one in enumerate(self.pots) if one.begins is not None}
        due = [[one.amount for one in line] for line in lines]
        paid: dict[int, Fraction] = {}
        for is_free in (True, False):
            ranked = sorted(
                (place for place in room if self.pots[place].is_free is is_free),
                key=lambda place: self.pots[place].rank(),
            )
            for line, left in zip(lines, due, strict=True):
                for number, coin in sorted(enumerate(line), key=lambda pair: pair[1].at):
                    for place in ranked:
                        if not _may_pay(self.pots[place], coin):
                            continue
                        part = min(room[place], left[number])
                        room[place] -= part
                        left[number] -= part
                        paid[place] = paid.get(place, NONE) + part
        return {place: part for place, part in paid.items() if part}

    def used(self, owed: Sequence[Owed], at: datetime) -> tuple[Fraction, Fraction]:
        """What is owed already of what lives now, and what of that of pots for everything."""
        paid = self.pay([owed])
        alive = {place: part for place, part in paid.items() if self.pots[place].lives(at)}
        whole = (part for place, part in alive.items() if not self.pots[place].for_usage_alone)
        return sum(alive.values(), NONE), sum(whole, NONE)

    def take(self, paid: dict[int, Fraction]) -> list[tuple[Pot, Fraction]]:
        """It was paid for good."""
        for place, part in paid.items():
            self.pots[place].spent += part
        return [(self.pots[place], part) for place, part in paid.items()]

    def give_back(
        self, parts: Iterable[tuple[Pot, Fraction]], at: datetime, more_days: int | None = None
    ) -> None:
        """Coins come back to their pots; through one that is over they fall, or into a new one."""
        for pot, part in list(parts):
            pot.spent -= part
            if pot.is_over(at):
                pot.gone += part
                if more_days is not None:
                    self._refill(pot, part, at, at + timedelta(days=more_days))

    def smash(self, pot: Pot) -> None:
        """Nobody gets anything more out of the pot but what was promised."""
        pot.gone += pot.given - pot.spent - pot.gone - pot.held()
        pot.is_broken = True

    def sweep(self, at: datetime, *, open_since: datetime) -> None:
        """Old pots are emptied, but what may still be owed for stays until it is not."""
        old = [
            one
            for one in self.pots
            if one.begins is not None and one.ends and one.ends <= min(at, open_since)
        ]
        for pot in sorted(old, key=lambda one: (one.ends, str(one.name))):
            if pot.is_broken or pot.is_emptied or not pot.free():
                continue
            rest, refill, ends = pot.free(), pot.refill, pot.ends
            pot.gone += rest
            pot.is_emptied = True
            if refill is not None and ends is not None:
                limits = [rest]
                limits += [] if refill.most is None else [refill.most]
                limits += [] if refill.share is None else [_to_cents(pot.given * refill.share)]
                later = None if refill.lasts is None else ends + refill.lasts
                self._refill(pot, min(limits), ends, later)

    def _refill(self, pot: Pot, amount: Fraction, at: datetime, ends: datetime | None) -> None:
        refill = pot.refill
        if refill is not None:
            again = refill.times > 1 and ends is not None
            left = Refill(
                times=refill.times - 1, most=refill.most, share=refill.share, lasts=refill.lasts
            )
            refill = left if again else None
        self.pots.append(
            Pot(
                given=amount,
                starts=at,
                begins=at,
                ends=ends,
                is_free=pot.is_free,
                urgency=pot.urgency,
                for_usage_alone=pot.for_usage_alone,
                refill=refill,
                kin=pot,
            )
        )

    def worth(self, at: datetime) -> list[tuple[Fraction, Fraction, datetime | None]]:
        """What is left and what is promised of every pot that lives and has either."""
        alive = [(one.free(), one.held(), one.ends) for one in self.pots if one.lives(at)]
        return [one for one in alive if one[0] or one[1]]


def _may_pay(pot: Pot, coin: Owed) -> bool:
    fits = coin.is_usage or not pot.for_usage_alone
    return fits and pot.lives(coin.at) and (coin.still is None or pot.lives(coin.still))


def _to_cents(amount: Fraction) -> Fraction:
    return Fraction(int(amount * 100 + Fraction(1, 2)), 100)
