"""Lives of a customer, drawn step by step, with a comparison after each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import TypeVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from repositories.transactions import Transactions
from tests.money import journal
from tests.money.arrivals import WayIn
from tests.money.comparison import compare, compare_settled
from tests.money.driver import Driver, open_world
from tests.money.journal import Opened, Request
from tests.money.legality import refusal
from tests.money.lives import State
from tests.money.model import Model
from tests.money.worlds import decimals, plans, worlds

Thing = TypeVar("Thing")

HOUR = timedelta(hours=1)
MOST_PERIODS = 14
"""More bills than that take time and show nothing new."""

MOST_LIVES = 4

any_place = st.integers(0, 999)
names_of_plans = st.sampled_from(("basic", "dear"))
amounts = decimals(20, 1).map(lambda one: one + Decimal("0.1"))
histories = st.lists(st.tuples(amounts, any_place, st.integers(0, 6)), min_size=1, max_size=2)


class Customer(RuleBasedStateMachine):
    """One customer with subscriptions one after the other, and people who change their minds."""

    def __init__(self, transactions: Transactions, way_in: WayIn) -> None:
        super().__init__()
        self._transactions = transactions
        self._way_in = way_in
        self._driver: Driver | None = None

    @property
    def driver(self) -> Driver:
        """The world, once it is opened."""
        assert self._driver is not None
        return self._driver

    @initialize(opened=worlds(), used=histories)
    def open(self, opened: Opened, used: list[tuple[Decimal, int, int]]) -> None:
        """A subscription, and a period or two that are over and had some usage."""
        self._driver = open_world(self._transactions, self._way_in, opened)
        self._do(journal.Subscribed(subscription="s0", plan="basic", starts_at=opened.at))
        for value, meter, days in used:
            running = self._model().lives["s0"].running
            assert running is not None
            at = max(self._model().now, running.span.starts_at + timedelta(days=days))
            self._do(journal.Advanced(to=at))
            self._send(at, value, meter, "ada")
            self._do(journal.Advanced(to=running.span.ends_at + HOUR))

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
        edge = _pick(known, period)
        if edge is not None:
            at = edge.span.starts_at + offset * timedelta(microseconds=1)
            self._send(min(at, model.now), value, meter, "ada")

    @rule(place=any_place)
    def void_event(self, place: int) -> None:
        key = _pick(self._live_events(), place)
        if key is not None:
            self._do(journal.EventVoided(key=key))

    @rule(place=any_place, value=amounts)
    def amend_event(self, place: int, value: Decimal) -> None:
        key = _pick(list(self._model().events), place)
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

    # People look after bills.

    @rule(place=any_place)
    def finalize(self, place: int) -> None:
        if found := _pick(self._bills(State.DRAFTED), place):
            self._do(journal.Finalized(subscription=found[0], period=found[1]))

    @rule(place=any_place)
    def delete_draft(self, place: int) -> None:
        states = (State.DRAFTED,) if place % 8 else (State.DRAFTED, State.FINAL)
        if found := _pick(self._bills(*states), place):
            self._do(journal.DraftDeleted(subscription=found[0], period=found[1]))

    @rule(place=any_place, amount=decimals(30, 0))
    def edit_draft(self, place: int, amount: Decimal) -> None:
        if found := _pick(self._bills(State.DRAFTED), place):
            self._do(journal.DraftEdited(subscription=found[0], period=found[1], amount=amount + 1))

    @rule(place=any_place, settles_again=st.booleans())
    def void_invoice(self, place: int, *, settles_again: bool) -> None:
        if found := _pick(self._bills(State.FINAL), place):
            self._void(
                journal.InvoiceVoided(
                    subscription=found[0], period=found[1], settles_again=settles_again
                )
            )

    @rule(place=any_place, settles_again=st.booleans())
    def void_late_invoice(self, place: int, *, settles_again: bool) -> None:
        found = [
            (name, place)
            for name in self._model().lives
            for place in range(len(self.driver.late_invoices(name)))
        ]
        if late := _pick(found, place):
            self._void(
                journal.InvoiceVoided(
                    subscription=late[0], late=late[1], settles_again=settles_again
                )
            )

    @rule(place=any_place)
    def bill_again(self, place: int) -> None:
        lives = self._model().lives
        bills = [one for one in self._bills(State.WITHOUT_BILL) if not lives[one[0]].is_deleted]
        if found := _pick(bills, place):
            self._do(journal.Billed(subscription=found[0], period=found[1]))

    @rule(place=any_place)
    def bill_what_is_billed(self, place: int) -> None:
        states = (State.RUNNING, State.DRAFTED, State.FINAL)
        if found := _pick(self._bills(*states), place):
            self._do(journal.Billed(subscription=found[0], period=found[1]))

    @rule(place=any_place, charge=any_place)
    def give_all_back(self, place: int, charge: int) -> None:
        self._give_back(place, charge, quarters=4)

    @rule(place=any_place, charge=any_place, quarters=st.integers(1, 4))
    def give_back(self, place: int, charge: int, quarters: int) -> None:
        self._give_back(place, charge, quarters)

    def _give_back(self, place: int, charge: int, quarters: int) -> None:
        model = self._model()
        bills = [
            (name, index)
            for name, index in self._bills(State.FINAL)
            if model.lives[name].periods[index].written is None
        ]
        if found := _pick(bills, place):
            name, index = found
            billed = [one.name for one in model.lives[name].periods[index].plan.charges]
            of = billed[charge % len(billed)]
            left = self.driver.left_of(self.driver.line_of(name, index, of))
            amount = self._share_of(left, quarters)
            if amount > 0:
                self._note(journal.Noted(subscription=name, period=index, charge=of, amount=amount))

    @rule(place=any_place, quarters=st.integers(1, 4))
    def give_back_of_late_line(self, place: int, quarters: int) -> None:
        found = [
            (name, place, line_id)
            for name in self._model().lives
            for place, (line_id, _) in enumerate(self.driver.late_lines(name))
        ]
        if late := _pick(found, place):
            name, nth, line_id = late
            amount = self._share_of(self.driver.left_of(line_id), quarters)
            if amount > 0:
                self._note(journal.LateLineNoted(subscription=name, place=nth, amount=amount))

    # What is compared.

    @invariant()
    def documents_add_up(self) -> None:
        """After every step: what documents say, or will say once all is settled, is owed."""
        if self._driver is not None:
            compare(self._transactions, self.driver)

    def teardown(self) -> None:
        """In the end everything is settled, whatever was pending."""
        if self._driver is not None:
            compare_settled(self._transactions, self.driver)

    def _do(self, request: Request, refused_with: str | None = None) -> None:
        """Perform it; it is refused if the model says so, and by no other code."""
        expected = refused_with or refusal(self._model(), request)
        code = self.driver.perform(request)
        note(f"{request}{'' if code is None else f' ({code})'}")
        assert code == expected, f"answered {code}, expected {expected}: {request}"

    def _send(self, at: datetime, value: Decimal, meter: int, distinct: str) -> None:
        model = self._model()
        known = model.opened.meters
        chosen = known[meter % len(known)]
        self._do(
            journal.Sent(
                key=f"e{len(model.events)}",
                at=at,
                meter=chosen.name,
                value=value,
                distinct=distinct if chosen.aggregation == "UNIQUE_COUNT" else None,
            )
        )

    def _model(self) -> Model:
        return self.driver.model

    def _subscribe(self, plan: str, starts_at: datetime, *, by_calendar: bool) -> None:
        self._do(
            journal.Subscribed(
                subscription=f"s{len(self._model().lives)}",
                plan=plan,
                starts_at=starts_at,
                by_calendar=by_calendar,
            )
        )

    def _void(self, request: journal.InvoiceVoided) -> None:
        """Only what still waits for money can be void."""
        _, status = self.driver.find_voidable(request)
        self._do(request, None if status == "OPEN" else "invalid_transition")

    def _note(self, request: journal.Noted | journal.LateLineNoted) -> None:
        """Where corrections on other documents left less of the charge, it may be refused."""
        code = self.driver.perform(request)
        note(f"{request}{'' if code is None else f' ({code})'}")
        assert code in (None, "credit_exceeds_line"), f"answered {code}: {request}"

    def _share_of(self, left: Decimal, quarters: int) -> Decimal:
        places = self._model().opened.places
        return (left * quarters / 4).quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN)

    def _pick_life(self, place: int) -> str | None:
        """Mostly one that lives, seldom one that is over, of which nothing can be asked."""
        lives = self._model().lives
        living = [name for name, life in lives.items() if not life.is_over]
        return _pick(list(lives) if place % 8 == 0 else living, place)

    def _live_events(self) -> list[str]:
        return [key for key, event in self._model().events.items() if not event.is_void]

    def _bills(self, *states: State) -> list[tuple[str, int]]:
        return [
            (name, index)
            for name, life in self._model().lives.items()
            for index, period in enumerate(life.periods)
            if period.state in states
        ]


def _pick(things: Sequence[Thing], place: int) -> Thing | None:
    return things[place % len(things)] if things else None
