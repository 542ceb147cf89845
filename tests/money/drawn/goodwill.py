"""Lives in which people give back: parts of lines, whole lines, and the same once more."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.money.drawn.steps import Steps, any_place, pick
from tests.money.model import journal
from tests.money.model.journal import WRITTEN
from tests.money.model.lives import State

ByHand = journal.Noted | journal.LateLineNoted


class Goodwill(Steps):
    """People who give back what was billed."""

    @rule(place=any_place, charge=any_place)
    def give_all_back(self, place: int, charge: int) -> None:
        self._give_back(place, charge, quarters=4)

    @rule(place=any_place, charge=any_place, quarters=st.integers(1, 4))
    def give_back(self, place: int, charge: int, quarters: int) -> None:
        self._give_back(place, charge, quarters)

    @rule(place=any_place, quarters=st.integers(1, 4))
    def give_back_of_late_line(self, place: int, quarters: int) -> None:
        found = [
            (name, nth, line)
            for name in self._model().lives
            for nth, line in enumerate(self.driver.late_lines(name))
        ]
        if late := pick(found, place):
            name, nth, line = late
            amount = self._share_of(self.driver.left_of(line.id), quarters)
            if amount > 0:
                self._note(journal.LateLineNoted(subscription=name, place=nth, amount=amount))

    @rule(seconds=st.sampled_from((0, 0, 30, 60)), clock_seconds=st.sampled_from((0, 0, 0, 30, 60)))
    def give_the_same_back_again(self, seconds: int, clock_seconds: int) -> None:
        """Sent twice, or meant twice: what tells is how long the one came after the other."""
        given = [one for one in self.driver.requests if isinstance(one, ByHand)]
        if not given or not self._stands(given[-1]):
            return
        if seconds:
            self._do(journal.Waited(seconds=seconds))
        if clock_seconds:
            later = timedelta(seconds=clock_seconds)
            self._do(journal.Advanced(to=self._model().now + later))
        if self._stands(given[-1]):
            self._note(given[-1])

    def _give_back(self, place: int, charge: int, quarters: int) -> None:
        model = self._model()
        if found := pick(self._bills(State.FINAL), place):
            name, index = found
            period = model.lives[name].periods[index]
            names = [one.name for one in period.plan.charges]
            of = WRITTEN if period.written is not None else names[charge % len(names)]
            left = self.driver.left_of(self.driver.line_of(name, index, of))
            amount = self._share_of(left, quarters)
            request = journal.Noted(subscription=name, period=index, charge=of, amount=amount)
            if amount > 0 and self._stands(request):
                self._note(request)

    def _stands(self, request: ByHand) -> bool:
        """Whether the line is there to be given back of."""
        life = self._model().lives[request.subscription]
        if isinstance(request, journal.LateLineNoted):
            lines = self.driver.late_lines(request.subscription)
            return request.place < len(lines) and str(lines[request.place].id) == request.line
        period = life.periods[request.period]
        is_written = period.written is not None
        return period.state is State.FINAL and is_written == (request.charge == WRITTEN)

    def _note(self, request: ByHand) -> None:
        """Where corrections on other documents left less of the charge, it may be refused."""
        self._perform(request, (None, "credit_exceeds_line"))

    def _share_of(self, left: Decimal, quarters: int) -> Decimal:
        places = self._model().opened.places
        return (left.scaleb(places) * quarters // 4).scaleb(-places)
