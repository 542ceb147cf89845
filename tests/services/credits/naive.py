"""A second model of credit: coins in jars, counted in fractions, without a ledger.

It shares no code with the product. What is over by its time is simply not looked at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

Name = object
"""What a jar or a promise is called, whatever that is."""


@dataclass
class Jar:
    """Coins that were given, and where each of them is now."""

    given: Fraction
    begins: datetime
    ends: datetime | None
    order: tuple[int, datetime, datetime, int]
    broken: bool = False
    spent: Fraction = Fraction(0)
    """Paid for something, less what came back."""
    gone: Fraction = Fraction(0)
    """Expired, or taken as the jar was broken."""
    promised: dict[Name, Fraction] = field(default_factory=dict)

    def left(self) -> Fraction:
        """What is in it, promised or not."""
        return self.given - self.spent - self.gone

    def is_open(self, at: datetime) -> bool:
        """Whether anybody can take something out."""
        return self.begins <= at and (self.ends is None or at < self.ends) and not self.broken


@dataclass
class Promise:
    """Coins that wait for somebody, until it is too late."""

    until: datetime
    amount: Fraction
    done: bool = False


class Shelf:
    """All jars of somebody."""

    def __init__(self) -> None:
        self.jars: dict[Name, Jar] = {}
        self.promises: dict[Name, Promise] = {}
        self.bills: dict[Name, dict[Name, Fraction]] = {}

    def give(
        self, name: Name, amount: Fraction, begins: datetime, ends: datetime | None, priority: int
    ) -> None:
        """There is another jar."""
        never = begins.replace(year=9000)
        order = (priority, ends or never, begins, len(self.jars))
        self.jars[name] = Jar(given=amount, begins=begins, ends=ends, order=order)

    def look(self, at: datetime) -> None:
        """Promises that are too late are none."""
        for name, promise in self.promises.items():
            if not promise.done and promise.until <= at:
                self._drop(name)

    def free(self, jar: Jar) -> Fraction:
        """What of a jar nobody was promised."""
        return jar.left() - sum(jar.promised.values(), Fraction(0))

    def promise(self, name: Name, amount: Fraction, at: datetime, lasts: timedelta) -> bool:
        """Whether it could be promised."""
        self.look(at)
        until = at + lasts
        good = sorted(
            (jar for jar in self.jars.values() if jar.is_open(at)), key=lambda jar: jar.order
        )
        good = [jar for jar in good if jar.ends is None or jar.ends >= until]
        if sum((self.free(jar) for jar in good), Fraction(0)) < amount:
            return False
        self.promises[name] = Promise(until=until, amount=amount)
        for jar in good:
            part = min(self.free(jar), amount)
            if part:
                jar.promised[name] = part
            amount -= part
        return True

    def keep(self, name: Name, used: Fraction, at: datetime) -> bool:
        """Whether the promise still stood; so much of it was used."""
        self.look(at)
        if self.promises[name].done:
            return False
        for jar in sorted(self.jars.values(), key=lambda jar: jar.order):
            part = min(jar.promised.get(name, Fraction(0)), used)
            jar.spent += part
            used -= part
        self._drop(name)
        return True

    def _drop(self, name: Name) -> None:
        self.promises[name].done = True
        for jar in self.jars.values():
            if name in jar.promised:
                del jar.promised[name]
                if jar.broken:
                    jar.gone = jar.given - jar.spent - sum(jar.promised.values(), Fraction(0))

    def pay(self, bill: Name, jar_name: Name, amount: Fraction, at: datetime) -> bool:
        """Whether the jar had so much for the bill."""
        self.look(at)
        jar = self.jars[jar_name]
        if self.free(jar) < amount:
            return False
        jar.spent += amount
        paid = self.bills.setdefault(bill, {})
        paid[jar_name] = paid.get(jar_name, Fraction(0)) + amount
        return True

    def undo(self, bill: Name, at: datetime) -> None:
        """The bill gives everything back; into a jar that is over it falls through."""
        self.look(at)
        for jar_name, amount in self.bills.pop(bill, {}).items():
            jar = self.jars[jar_name]
            jar.spent -= amount
            if jar.broken or (jar.ends is not None and jar.ends <= at):
                jar.gone += amount

    def smash(self, jar_name: Name, at: datetime) -> None:
        """Nobody gets anything more out of the jar but what was promised."""
        self.look(at)
        jar = self.jars[jar_name]
        if not jar.broken:
            jar.gone += self.free(jar)
            jar.broken = True

    def sweep(self, at: datetime) -> None:
        """What is too old is thrown away."""
        self.look(at)
        for jar in self.jars.values():
            if jar.ends is not None and jar.ends <= at and not jar.broken:
                jar.gone += jar.left()

    def worth(self, at: datetime) -> tuple[Fraction, Fraction]:
        """What somebody has, and what of it is promised."""
        self.look(at)
        alive = [
            jar
            for jar in self.jars.values()
            if jar.begins <= at and (jar.ends is None or at < jar.ends)
        ]
        promised = sum((sum(jar.promised.values(), Fraction(0)) for jar in alive), Fraction(0))
        return sum((jar.left() for jar in alive), Fraction(0)), promised
