"""Lives of a customer, drawn step by step, with a comparison after each."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from tests.money.comparison import compare, compare_settled
from tests.money.drawn.agreed import Agreements
from tests.money.drawn.bills import Bills
from tests.money.drawn.goodwill import Goodwill
from tests.money.drawn.openings import HOUR, Openings, amounts
from tests.money.drawn.steps import any_place, pick
from tests.money.drawn.worlds import plans
from tests.money.model import journal

MOST_PERIODS = 14
"""More bills than that take time and show nothing new."""

MOST_LIVES = 4

names_of_plans = st.sampled_from(("basic", "dear"))


class Customer(Bills, Goodwill, Agreements):
    """One customer with subscriptions one after the other, and people who change their minds."""

    openings: ClassVar[Openings]
    _is_settled = False

    @initialize(drawn=st.data())
    def open(self, drawn: st.DataObject) -> None:
        """A world with a subscription, and a period or two that are over and had some usage."""
        place = drawn.draw(st.integers(0, len(self.openings.drawn) - 1))
        self._driver = self.openings.begin(place)
        for request in self.driver.requests:
            note(str(request))

    # Time passes.

    @rule(days=st.sampled_from((1, 5, 10, 20, 40)), hours=st.integers(0, 24))
    def advance(self, days: int, hours: int) -> None:
        model = self._model()
        if sum(len(life.periods) for life in model.lives.values()) < MOST_PERIODS:
            self._do(journal.Advanced(to=model.now + timedelta(days=days, hours=hours)))

    @rule(after=st.sampled_from((timedelta(0), timedelta(minutes=1), HOUR, 25 * HOUR)))
    def advance_to_the_end_of_a_period(self, after: timedelta) -> None:
        model = self._model()
        ends = [life.running.span.ends_at for life in model.lives.values() if life.running]
        if ends and sum(len(life.periods) for life in model.lives.values()) < MOST_PERIODS:
            self._do(journal.Advanced(to=max(model.now, min(ends)) + after))

    # Usage comes, and is taken back.

    @rule(
        value=amounts,
        meter=any_place,
        hours_ago=st.one_of(st.integers(0, 48), st.integers(0, 24 * 80)),
        distinct=st.sampled_from(("ada", "ben", "cyd")),
    )
    def send(self, value: Decimal, meter: int, hours_ago: int, distinct: str) -> None:
        self._send(self._model().now - hours_ago * HOUR, value, meter, distinct)

    @rule(value=amounts, meter=any_place, period=any_place, offset=st.integers(-1, 1))
    def send_at_an_edge(self, value: Decimal, meter: int, period: int, offset: int) -> None:
        model = self._model()
        known = [one for life in model.lives.values() for one in life.periods]
        edge = pick(known, period)
        if edge is not None:
            at = edge.span.starts_at + offset * timedelta(microseconds=1)
            self._send(min(at, model.now), value, meter, "ada")

    @rule(place=any_place)
    def void_event(self, place: int) -> None:
        key = pick(self._live_events(), place)
        if key is not None:
            self._do(journal.EventVoided(key=key))

    @rule(place=any_place, value=amounts)
    def amend_event(self, place: int, value: Decimal) -> None:
        key = pick(list(self._model().events), place)
        if key is not None:
            self._do(journal.EventAmended(key=key, value=value))

    # Subscriptions come and go.

    @rule(plan=names_of_plans, days=st.integers(-3, 3), by_calendar=st.booleans())
    def subscribe(self, plan: str, days: int, *, by_calendar: bool) -> None:
        """Before the first one nothing began, so that the first bill is not too long ago."""
        model = self._model()
        if len(model.lives) < MOST_LIVES:
            starts_at = max(model.opened.at, model.now + timedelta(days=days))
            self._subscribe(plan, starts_at, by_calendar=by_calendar)

    @rule(plan=names_of_plans, by_calendar=st.booleans())
    def subscribe_where_another_ends(self, plan: str, *, by_calendar: bool) -> None:
        model = self._model()
        ends = [life.periods[-1].span.ends_at for life in model.lives.values() if life.periods]
        if len(model.lives) < MOST_LIVES and ends:
            self._subscribe(plan, max(ends), by_calendar=by_calendar)

    @rule(place=any_place, plan=names_of_plans, at_end=st.booleans())
    def change_plan(self, place: int, plan: str, *, at_end: bool) -> None:
        if name := self._pick_life(place):
            self._do(journal.PlanChanged(subscription=name, plan=plan, at_period_end=at_end))

    @rule(drawn=st.data(), name=names_of_plans)
    def edit_plan(self, drawn: st.DataObject, name: str) -> None:
        opened = self._model().opened
        interval = opened.plans[0].interval
        self._do(journal.PlanEdited(plan=drawn.draw(plans(name, opened.meters, interval))))

    @rule(place=any_place, at_end=st.booleans())
    def cancel(self, place: int, *, at_end: bool) -> None:
        if name := self._pick_life(place):
            self._do(journal.Canceled(subscription=name, at_period_end=at_end))

    @rule(place=any_place)
    def delete_subscription(self, place: int) -> None:
        if (name := self._pick_life(place)) and place % 4 == 0:
            self._do(journal.Deleted(subscription=name))

    @rule(place=any_place)
    def reactivate(self, place: int) -> None:
        if name := self._pick_life(place):
            self._do(journal.Reactivated(subscription=name))

    @rule(place=any_place)
    def bill_early(self, place: int) -> None:
        if name := self._pick_life(place):
            self._do(journal.BilledEarly(subscription=name))

    # What is compared.

    @invariant()
    def documents_add_up(self) -> None:
        """After every step: what documents say, or will say once all is settled, is owed."""
        if self._driver is not None:
            with self._telling():
                self._is_settled = compare(self.openings.transactions, self.driver)

    def teardown(self) -> None:
        """In the end everything is settled, unless the last step was compared so already."""
        if self._driver is not None:
            with self._telling():
                if not self._is_settled:
                    compare_settled(self.openings.transactions, self.driver)
            self.progress.count()

    def _subscribe(self, plan: str, starts_at: datetime, *, by_calendar: bool) -> None:
        self._do(
            journal.Subscribed(
                subscription=f"s{len(self._model().lives)}",
                plan=plan,
                starts_at=starts_at,
                by_calendar=by_calendar,
            )
        )
