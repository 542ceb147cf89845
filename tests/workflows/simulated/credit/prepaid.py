"""Prepaid credit of a simulated customer: grants that end inside periods, and what bills draw.

What a document draws is decided by the product's own rules, and each time compared with coins in
pots, which share no code with them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING
from uuid import UUID

from billing.credits.cuts import cut_instants, reduce, segments_of_late, segments_of_usage
from billing.credits.drawing import DrawableLine, Lot, at_most, draw
from billing.credits.grants import Grant, GrantKind
from billing.credits.recurring import Recurrence
from billing.money import ZERO
from billing.periods import Period
from billing.units import currency_unit
from tests.services.credits.machine.pots import NONE, Habit, Owed, Pot, Shelf
from tests.workflows.simulated.credit.top_ups import TopUps
from tests.workflows.simulated.prices import PLANS, Item

if TYPE_CHECKING:
    from tests.workflows.simulated.facts import BilledPeriod
    from tests.workflows.simulated.late_arrivals import Document

DOLLARS = currency_unit("USD")
RULE = "rule"


@dataclass(slots=True, kw_only=True)
class Prepaid:
    """The customer's grants, what is left of each, and a shelf of pots that must say the same.

    ``recurrence`` is when the rule grants ``recurs`` dollars again, ``made`` how often it has.
    """

    recurrence: Recurrence | None = None
    recurs: int = 0
    made: int = 0
    grants: list[Grant] = field(default_factory=list)
    rests: dict[UUID, Decimal] = field(default_factory=dict)
    fallen: defaultdict[UUID, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """What came back to a grant that was over by then."""
    instants: defaultdict[Item, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    """When events were used that a period does not have from its beginning."""
    present: datetime | None = None
    """How late it is for whatever happens next."""
    top_ups: TopUps = field(default_factory=TopUps)
    periods: list[BilledPeriod] = field(default_factory=list, compare=False, repr=False)
    shelf: Shelf = field(default_factory=Shelf, compare=False, repr=False)

    def recur(self, rule: Recurrence, amount: int, *, every: timedelta, lasts: timedelta) -> None:
        """So much is granted again and again from now on."""
        self.recurrence, self.recurs = rule, amount
        starts = rule.anchor.starts_at
        self.shelf.habits.append(
            Habit(name=RULE, given=Fraction(amount), starts=starts, every=every, lasts=lasts)
        )

    @property
    def recurs_at(self) -> datetime | None:
        """When the rule grants next."""
        return None if self.recurrence is None else self.recurrence.begins_at(self.made)

    def grant_due(self, at: datetime) -> bool:
        """What the rule has granted by then is stored; whether there was any. Idempotent."""
        due = [] if self.recurrence is None else list(self.recurrence.due(self.made, at))
        for one in due:
            self._store(self.recurs, one.begins_at, one.expires_at)
            self.made += 1
        self.shelf.look(at)
        self._name_pots()
        return bool(due)

    def grant(self, amount: int, at: datetime, ends: datetime | None, *, is_sold: bool) -> None:
        """The customer has so much more."""
        stored = self._store(amount, at, ends, is_sold=is_sold)
        self.shelf.pots.append(
            Pot(
                given=Fraction(amount),
                starts=at,
                begins=at,
                ends=ends,
                is_free=not is_sold,
                name=stored.grant_id,
                number=stored.sequence,
            )
        )

    def _store(
        self, amount: int, at: datetime, ends: datetime | None, *, is_sold: bool = False
    ) -> Grant:
        number = len(self.grants) + 1
        stored = Grant(
            grant_id=UUID(int=number),
            sequence=number,
            unit=DOLLARS,
            amount=Decimal(amount),
            kind=GrantKind.PAID if is_sold else GrantKind.FREE,
            effective_at=at,
            expires_at=ends,
        )
        self.grants.append(stored)
        self.rests[stored.grant_id] = stored.amount
        return stored

    def _name_pots(self) -> None:
        """Pots of the rule are called as its grants are, in the order in which both were made."""
        named = {one.name for one in self.shelf.pots}
        unnamed = [one for one in self.shelf.pots if one.name is None]
        stored = [one for one in self.grants if one.grant_id not in named]
        assert len(unnamed) == len(stored), f"{len(stored)} grants of {len(unnamed)} that are due"
        for pot, one in zip(unnamed, stored, strict=True):
            assert (pot.starts, pot.ends) == (one.effective_at, one.expires_at), f"{one} is not due"
            pot.name, pot.number = one.grant_id, one.sequence

    def top_up(self) -> None:
        """Somebody looks whether too little is left, as they do after each movement."""
        if self.present is not None:
            self.top_ups.look(self, self.present)

    def available(self, at: datetime) -> Decimal:
        """What is left of the grants that are alive."""
        return sum((self.rests[one.grant_id] for one in self.grants if one.is_alive(at)), ZERO)

    def note(self, item: Item, timestamp: datetime, events: int) -> None:
        """Events of that instant are used, or as many of an item count no more, newest first."""
        if events > 0:
            self.instants[item] += [timestamp] * events
        else:
            del self.instants[item][events:]

    def forget(self, item: Item) -> None:
        """Nothing of it is used yet."""
        self.instants.pop(item, None)

    def pay(self, document: Document, events: Counter[Item]) -> int:
        """The grants pay what they can of a document that becomes final; how much that is."""
        at = self.present
        if at is None or not (self.grants or self.recurrence):
            return 0
        self.grant_due(at)
        lines = [
            line for item in _billed(document) for line in self._lines(document, item, events, at)
        ]
        drawn: dict[UUID, Decimal] = {}
        left = at_most(lines, Decimal(document.amount))
        for kind in (GrantKind.FREE, GrantKind.PAID):
            lots = [Lot(grant=one, rest=self.rests[one.grant_id]) for one in self.grants]
            made = draw(left, [one for one in lots if one.grant.kind is kind])
            left = made.left
            for one in made.draws:
                drawn[one.grant_id] = drawn.get(one.grant_id, ZERO) + one.amount
        self._pay_in_coins(document, events, at, drawn)
        for grant_id, amount in drawn.items():
            self.rests[grant_id] -= amount
        document.draws = drawn
        return int(sum(drawn.values(), ZERO))

    def _lines(
        self, document: Document, item: Item, events: Counter[Item], at: datetime
    ) -> Iterator[DrawableLine]:
        """What a document says of an item: of its own period by when it was used, and what more."""
        period, amount = self.periods[item[0]], Decimal(document.says[item])
        span = Period(starts_at=period.starts_at, ends_at=period.ends_at)
        if item[0] == document.bills:
            used = list(self._used(item, events))
            cuts = cut_instants(span, self.grants)
            sums = [sum(price for one, price in used if one < cut) for cut in cuts]
            whole = Decimal(sum(price for _, price in used))
            segments = segments_of_usage(span, cuts, [*map(Decimal, sums), whole])
            segments = reduce(segments, max(ZERO, whole - amount))
            amount -= min(whole, amount)
            yield DrawableLine(position=1, segments=segments)
        yield DrawableLine(position=2, segments=segments_of_late(span, at, amount))

    def _used(self, item: Item, events: Counter[Item]) -> Iterator[tuple[datetime, int]]:
        """When each event of an item was used, in order, and what it costs."""
        period, known = self.periods[item[0]], self.instants.get(item, [])
        count = events[item]
        known = known[:count]
        first = [period.starts_at] * (count - len(known))
        price = PLANS[period.plan].get(item[1], 0)
        return ((at, price) for at in sorted([*first, *known]))

    def _pay_in_coins(
        self, document: Document, events: Counter[Item], at: datetime, drawn: dict[UUID, Decimal]
    ) -> None:
        """The pots pay the same. Told naively: coin by coin, of which the newest are dropped."""
        lines = []
        for item in _billed(document):
            left, starts_at = Fraction(document.says[item]), self.periods[item[0]].starts_at
            own = []
            for used_at, price in self._used(item, events) if item[0] == document.bills else ():
                part = min(Fraction(price), left)
                left -= part
                own.append(Owed(at=used_at, amount=part))
            lines += [own, [Owed(at=starts_at, amount=left, still=max(at, starts_at))]]
        over = sum((coin.amount for line in lines for coin in line), NONE) - max(0, document.amount)
        for coin in (coin for line in reversed(lines) for coin in reversed(line)):
            back = min(over, coin.amount)
            coin.amount -= back
            over -= back
        paid = self.shelf.pay(lines)
        expected = {self.shelf.pots[place].name: part for place, part in paid.items()}
        found = {name: Fraction(part) for name, part in drawn.items()}
        assert found == expected, f"bills draw {found}, coins pay {expected}"
        document.parts = self.shelf.take(paid)

    def give_back(self, document: Document) -> None:
        """A document is void: its draws are back, and fall through grants that are over."""
        at = self.present
        if at is None or not document.draws:
            return
        over = {one.grant_id for one in self.grants if one.expires_at and one.expires_at <= at}
        for grant_id, amount in document.draws.items():
            into = self.fallen if grant_id in over else self.rests
            into[grant_id] += amount
        self.shelf.give_back(document.parts, at)

    def check(self, documents: Sequence[Document]) -> None:
        """Of each grant all is accounted for, by the pot as well, and no document draws too much.

        Source: CREDITS 3, 11, 16; I2, I3, I4.
        """
        spent: defaultdict[UUID, Decimal] = defaultdict(Decimal)
        for document in (one for one in documents if not one.is_void):
            assert document.drawn + document.granted <= max(0, document.amount), (
                f"{document} takes more credit than it is due"
            )
            for grant_id, amount in document.draws.items():
                spent[grant_id] += amount
        pots = {one.name: one for one in self.shelf.pots}
        for one in self.grants:
            rest, fallen = self.rests[one.grant_id], self.fallen[one.grant_id]
            assert 0 <= rest == one.amount - spent[one.grant_id] - fallen, f"{rest} left of {one}"
            pot = pots[one.grant_id]
            assert (pot.free(), pot.spent) == (rest, spent[one.grant_id]), f"{pot}, not {rest}"
        self.top_ups.check(self)


def _billed(document: Document) -> list[Item]:
    """What a document asks money for."""
    return [item for item, amount in sorted(document.says.items()) if amount > 0]
