"""What people do with grants and holds, as steps of a machine."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from billing.credits.expiry import Rollover
from billing.credits.grants import Scope
from billing.identifiers import MeterId
from billing.money import round_half_away
from billing.periods import Cadence, Interval
from models.base import new_id
from services.credits.standing import GrantReading
from tests.services.credits.machine.agreement import (
    CENTS,
    HOURS,
    PICKS,
    Agreement,
    begin_of,
    refusal,
)
from tests.services.credits.machine.pots import NONE, Habit, Pot, Refill

DAYS = st.integers(min_value=1, max_value=40)
REFILLS = st.one_of(
    st.none(),
    st.builds(
        Refill,
        times=st.integers(min_value=1, max_value=2),
        most=st.one_of(
            st.none(), st.integers(min_value=1, max_value=900).map(lambda c: Fraction(c, 100))
        ),
        share=st.one_of(
            st.none(), st.integers(min_value=1, max_value=100).map(lambda p: Fraction(p, 100))
        ),
        lasts=st.one_of(st.none(), DAYS.map(lambda days: timedelta(days=days))),
    ),
)


class Giving(Agreement):
    """Credit is given, sold and ended."""

    @rule(
        amount=CENTS,
        later=st.one_of(st.just(0), HOURS),
        lives=st.one_of(st.none(), HOURS),
        urgency=st.sampled_from([49, 50]),
        for_usage_alone=st.booleans(),
        is_free=st.booleans(),
        refill=REFILLS,
    )
    def grant(
        self,
        amount: Decimal,
        later: int,
        lives: int | None,
        urgency: int,
        for_usage_alone: bool,
        is_free: bool,
        refill: Refill | None,
    ) -> None:
        """There is more, now or later, for ever or not, given or sold."""
        starts = self.life.now + timedelta(hours=later)
        ends = None if lives is None else starts + timedelta(hours=lives)
        pot = Pot(
            given=Fraction(amount),
            starts=starts,
            begins=starts if is_free else None,
            ends=ends,
            is_free=is_free,
            urgency=urgency,
            for_usage_alone=for_usage_alone,
            refill=refill if ends else None,
        )
        made = self._ask_for(pot, amount)
        pot.name = made.row.id
        self.by_name[made.row.id] = pot
        self.shelf.pots.append(pot)
        self._look()

    def _ask_for(self, pot: Pot, amount: Decimal) -> GrantReading:
        meters = frozenset({MeterId(self.life.meter_id)} if pot.for_usage_alone else set())
        ask = self.life.grant if pot.is_free else self.life.sell
        return ask(
            amount,
            effective_at=pot.starts,
            expires_at=pot.ends,
            priority=pot.urgency,
            applies_to=Scope(meter_ids=meters),
            rollover=None if pot.refill is None else _rollover(pot.refill),
        )

    @precondition(lambda self: any(one.begins is None for one in self.shelf.pots))
    @rule(pick=PICKS)
    def pay(self, pick: int) -> None:
        """Somebody pays for what they bought."""
        waiting = [one for one in self.shelf.pots if one.begins is None]
        pot = waiting[pick % len(waiting)]
        if pot.is_over(self.life.now):
            return
        row = next(one for one in self.life.stored_grants() if one.id == pot.name)
        assert row.invoice_id is not None
        self.life.pay(row.invoice_id)
        pot.begins = max(pot.starts, self.life.now)
        self._look()

    @rule(amount=CENTS, every=DAYS, lasts=st.one_of(st.none(), DAYS), ago=st.integers(0, 10))
    def recur(self, amount: Decimal, every: int, lasts: int | None, ago: int) -> None:
        """Something is given again and again, from now on or from some days ago."""
        if len(self.shelf.habits) == 3:
            return
        anchor = self.life.now - timedelta(days=ago)
        name = self.life.recur(
            amount,
            interval=_days(every),
            expires_after=None if lasts is None else _days(lasts),
            anchor=anchor,
        )
        habit = Habit(
            name=name,
            given=Fraction(amount),
            starts=anchor,
            every=timedelta(days=every),
            lasts=None if lasts is None else timedelta(days=lasts),
        )
        self.shelf.habits.append(habit)
        self._look()

    @precondition(lambda self: any(one.stops is None for one in self.shelf.habits))
    @rule(pick=PICKS)
    def stop(self, pick: int) -> None:
        """Nothing more is given of that."""
        habit = self.shelf.habits[pick % len(self.shelf.habits)]
        self.life.end_rule(UUID(str(habit.name)))
        if habit.stops is None:
            habit.stops = self.life.now + timedelta(microseconds=1)
        self._look()

    @precondition(lambda self: self.by_name)
    @rule(pick=PICKS, refund=st.booleans(), repeat=st.booleans())
    def end(self, pick: int, refund: bool, repeat: bool) -> None:
        """A grant is ended before its time; what was bought, with its money or without."""
        names = sorted(self.by_name, key=lambda name: self.by_name[name].number)
        name = names[pick % len(names)]
        pot = self.by_name[name]
        if pot.is_broken or (pot.begins is None and pot.is_over(self.life.now)):
            return
        with refusal("grant_expired") as met:
            for _ in range(1 + repeat):
                self.life.end(name, refund=refund and not pot.is_free)
        self._look()
        assert bool(met) is (pot.ends is not None and pot.ends <= self.life.now)
        if not met:
            self.has_account |= refund and not pot.is_free and pot.begins is not None
            self.shelf.smash(pot)

    @rule(repeat=st.booleans())
    def expire(self, repeat: bool) -> None:
        """Somebody posts what is over."""
        for _ in range(1 + repeat):
            self.life.expire()
            self.shelf.look(self.life.now)
            self._name(strictly=False)
            self.shelf.sweep(self.life.now, open_since=begin_of(self.final))
        self._look()


class Holding(Giving):
    """Credit is set aside as well."""

    @rule(amount=CENTS, hours=st.integers(min_value=1, max_value=24), repeat=st.booleans())
    def hold(self, amount: Decimal, hours: int, repeat: bool) -> None:
        """Something is set aside, if there is as much."""
        name, until = new_id(), self.life.now + timedelta(hours=hours)
        with refusal("no_credit") as met:
            for _ in range(1 + repeat):
                self.life.hold(name, amount, until)
        self._look()
        could = self.shelf.promise(name, Fraction(amount), self.life.now, until, self._owed())
        assert could is not bool(met)
        self.holds += [name] if could else []

    @precondition(lambda self: self.holds)
    @rule(pick=PICKS, share=st.integers(min_value=0, max_value=4), repeat=st.booleans())
    def settle(self, pick: int, share: int, repeat: bool) -> None:
        """All of what was set aside was used, or some of it."""
        name = self.holds[pick % len(self.holds)]
        promise = self.shelf.promises[name]
        held = promise.amount()
        used = round_half_away(Decimal(held.numerator) / held.denominator * share / 4, 2)
        stood = not promise.is_done and promise.until > self.life.now
        with refusal("hold_over", "hold_settled", "settles_too_much") as met:
            for _ in range(1 + repeat):
                self.life.settle(name, used)
        self._look()
        assert not (stood and met)
        if stood:
            self.shelf.keep(name, Fraction(used))

    @precondition(lambda self: self.holds)
    @rule(pick=PICKS)
    def release(self, pick: int) -> None:
        """What was set aside is not needed after all."""
        name = self.holds[pick % len(self.holds)]
        promise = self.shelf.promises[name]
        stood = not promise.is_done and promise.until > self.life.now
        with refusal("hold_settled") as met:
            self.life.release(name)
        self._look()
        assert not (stood and met)
        if stood:
            self.shelf.keep(name, NONE)


def _rollover(refill: Refill) -> Rollover:
    return Rollover(
        times=refill.times,
        max=None if refill.most is None else Decimal(int(refill.most * 100)) / 100,
        percent=None if refill.share is None else Decimal(int(refill.share * 100)),
        expires_after=None if refill.lasts is None else _days(refill.lasts.days),
    )


def _days(count: int) -> Cadence:
    return Cadence(interval=Interval.DAY, count=count)
