"""Top-ups of a simulated customer against a gateway that declines, is silent, or answers twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile
from typing import TYPE_CHECKING

from billing.credits.top_ups import TopUpStatus, TopUpTerms, next_try_at
from billing.money import ZERO

if TYPE_CHECKING:
    from tests.workflows.simulated.books import Books
    from tests.workflows.simulated.credit.prepaid import Prepaid

PAID, DECLINED, SILENT, TWICE = "paid", "declined", "silent", "twice"
ANSWERS = (PAID, DECLINED, DECLINED, SILENT, TWICE)
WAITS = {1: timedelta(hours=1), 2: timedelta(days=1)}
"""What passes at least after so many declines in a row (CREDITS 21)."""


@dataclass(slots=True, kw_only=True)
class Try:
    """One try to buy credit, and how much there was of it."""

    at: datetime
    available: Decimal
    amount: Decimal
    status: TopUpStatus = TopUpStatus.OPEN
    settled_at: datetime | None = None
    goes_on: bool = True
    """Whether the declines before it count for it: nobody has switched the rule on since."""


@dataclass(slots=True, kw_only=True)
class TopUps:
    """The rule, what it tried, and how the gateway answers one try after the other."""

    terms: TopUpTerms | None = None
    answers: Sequence[str] = (PAID,)
    tries: list[Try] = field(default_factory=list)
    is_on: bool = True
    was_switched_on: bool = False
    present: datetime | None = None

    def look(self, prepaid: Prepaid, at: datetime) -> None:
        """A try is made if too little is left and nothing forbids it."""
        self.present = at = at if self.present is None else max(self.present, at)
        if self.terms is None or not self._is_free(at):
            return
        available = prepaid.available(at)
        amount = self.terms.amount_for(available, left=self._room(at, len(self.tries)))
        if not amount:
            return
        made = Try(at=at, available=available, amount=amount, goes_on=not self.was_switched_on)
        self.was_switched_on = False
        answer = self.answers[len(self.tries) % len(self.answers)]
        self.tries.append(made)
        if answer != SILENT:
            for _ in range(1 + (answer == TWICE)):
                self._settle(made, prepaid, at, is_paid=answer != DECLINED)

    def answer(self, prepaid: Prepaid, at: datetime, *, is_paid: bool) -> None:
        """The gateway says what became of the try that is open."""
        self.present = at = at if self.present is None else max(self.present, at)
        for one in self.tries:
            self._settle(one, prepaid, at, is_paid=is_paid)

    def switch_on(self) -> None:
        """Somebody switches the rule on again, and its declines begin anew."""
        if not self.is_on:
            self.is_on = self.was_switched_on = True

    def _settle(self, one: Try, prepaid: Prepaid, at: datetime, *, is_paid: bool) -> None:
        if one.status is not TopUpStatus.OPEN:
            return
        one.status = TopUpStatus.SUCCEEDED if is_paid else TopUpStatus.FAILED
        one.settled_at = at
        if is_paid:
            prepaid.grant(int(one.amount), at, None, is_sold=True)
        elif next_try_at(at, declines=len(self._declines())) is None:
            self.is_on = False

    def _declines(self) -> list[Try]:
        """Tries that were declined one after the other, the newest first."""
        declined = []
        for one in reversed(self.tries):
            if one.status is not TopUpStatus.FAILED:
                break
            declined.append(one)
            if not one.goes_on:
                break
        return declined

    def _is_free(self, at: datetime) -> bool:
        if not self.is_on or any(one.status is TopUpStatus.OPEN for one in self.tries):
            return False
        declines = [] if self.was_switched_on else self._declines()
        if declines and declines[0].settled_at is not None:
            due_at = next_try_at(declines[0].settled_at, declines=len(declines))
            if due_at is None or due_at > at:
                return False
        return all(len(made) < most for made, most, _ in self._windows(at, len(self.tries)))

    def _room(self, at: datetime, place: int) -> Decimal:
        """What the caps leave for the try at that place."""
        return min(
            most - sum((one.amount for one in made), ZERO)
            for made, _, most in self._windows(at, place)
        )

    def _windows(self, at: datetime, place: int) -> list[tuple[list[Try], Decimal, Decimal]]:
        """The tries before that place of this day and of this month, with their caps."""
        assert self.terms is not None
        before, count, amount = self.tries[:place], self.terms.max_count, self.terms.max_amount
        today = [one for one in before if one.at.date() == at.date()]
        month = [one for one in before if (one.at.year, one.at.month) == (at.year, at.month)]
        return [(today, count.day, amount.day), (month, count.month, amount.month)]

    def check(self, prepaid: Prepaid) -> None:
        """Whatever the gateway does: one open at a time, within the caps, sized to close the gap.

        Told naively, from what is stored. Source: CREDITS 21; I10.
        """
        assert sum(one.status is TopUpStatus.OPEN for one in self.tries) <= 1, "two are open"
        for place, one in enumerate(self.tries):
            self._check_caps(place, one)
            self._check_wait(place, one)
            assert one.amount == self._wanted(place, one), f"{one} is not what is missing"
        bought = [one.amount for one in self.tries if one.status is TopUpStatus.SUCCEEDED]
        sold = [one.amount for one in prepaid.grants if one.kind == "paid"]
        assert sorted(bought) == sorted(sold), f"bought {bought}, granted {sold}"

    def _check_caps(self, place: int, one: Try) -> None:
        for made, most, most_amount in self._windows(one.at, place):
            amount = sum((each.amount for each in made), one.amount)
            assert len(made) < most, f"{one} is one too many"
            assert amount <= most_amount, f"{one} buys too much"

    def _check_wait(self, place: int, one: Try) -> None:
        if not one.goes_on:
            return
        earlier = reversed(self.tries[:place])
        declined = list(takewhile(lambda each: each.status is TopUpStatus.FAILED, earlier))
        first = next((at for at, each in enumerate(declined) if not each.goes_on), len(declined))
        declined = declined[: first + 1]
        if declined:
            assert len(declined) in WAITS, f"{one} after {len(declined)} declines"
            settled_at = declined[0].settled_at
            assert settled_at is not None
            assert one.at - settled_at >= WAITS[len(declined)], f"{one} is too soon"

    def _wanted(self, place: int, one: Try) -> Decimal:
        """Step by step, until there is enough or a cap is reached."""
        assert self.terms is not None
        assert one.available < self.terms.threshold, f"{one} tops up enough"
        room, wanted = self._room(one.at, place), ZERO
        goal = self.terms.threshold if self.terms.target is None else self.terms.target
        while one.available + wanted < goal and wanted + self.terms.step <= room:
            wanted += self.terms.step
        return wanted


def give_credit(books: Books, at: datetime) -> bool:
    """Somebody gives a few dollars for a few days."""
    ends = at + timedelta(days=1 + at.second % 19, minutes=at.minute)
    books.late.prepaid.grant(1 + at.second % 13, at, ends, is_sold=False)
    return False


def hear_of_payment(books: Books, at: datetime) -> bool:
    """The gateway says that a top-up is paid, which it may have said before."""
    books.late.prepaid.top_ups.answer(books.late.prepaid, at, is_paid=True)
    return False


def hear_of_decline(books: Books, at: datetime) -> bool:
    """The gateway says that a top-up is declined."""
    books.late.prepaid.top_ups.answer(books.late.prepaid, at, is_paid=False)
    return False


def switch_top_ups_on(books: Books, _at: datetime) -> bool:
    """Somebody trusts the gateway again."""
    books.late.prepaid.top_ups.switch_on()
    return False


CREDIT_DEEDS = {
    deed.__name__: deed
    for deed in (give_credit, hear_of_payment, hear_of_decline, switch_top_ups_on)
}
"""What is done where there is credit, beside all else."""
