"""Lives of a customer, drawn step by step, with a comparison after each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TypeVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from repositories.transactions import Transactions
from tests.money import journal
from tests.money.arrivals import WayIn
from tests.money.driver import Driver, open_world
from tests.money.journal import Opened, Request
from tests.money.model import Life, Model, State, replay
from tests.money.rehearsal import rehearse
from tests.money.worlds import decimals, worlds

Thing = TypeVar("Thing")

HOUR = timedelta(hours=1)
MOST_PERIODS = 14
"""More bills than that take time and show nothing new."""

any_place = st.integers(0, 999)
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
            at = running.span.starts_at + timedelta(days=days)
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
        key = _pick(self._live_events(), place)
        if key is not None:
            self._do(journal.EventAmended(key=key, value=value))

    # Subscriptions come and go.

    @rule(
        plan=st.sampled_from(("basic", "dear")), days=st.integers(-3, 3), by_calendar=st.booleans()
    )
    def subscribe(self, plan: str, days: int, *, by_calendar: bool) -> None:
        model = self._model()
        if any(not life.is_over for life in model.lives.values()):
            return
        ends = [life.periods[-1].span.ends_at for life in model.lives.values() if life.periods]
        starts_at = max([*ends, model.now + timedelta(days=days)])
        name = f"s{len(model.lives)}"
        self._do(
            journal.Subscribed(
                subscription=name, plan=plan, starts_at=starts_at, by_calendar=by_calendar
            )
        )

    @rule(plan=st.sampled_from(("basic", "dear")), at_end=st.booleans())
    def change_plan(self, plan: str, *, at_end: bool) -> None:
        for name, life in self._living():
            if at_end or life.plan.name != plan:
                self._do(journal.PlanChanged(subscription=name, plan=plan, at_period_end=at_end))

    @rule(at_end=st.booleans())
    def cancel(self, *, at_end: bool) -> None:
        for name, _ in self._living():
            self._do(journal.Canceled(subscription=name, at_period_end=at_end))

    @rule()
    def reactivate(self) -> None:
        for name, life in self._living():
            if life.ends_with_period:
                self._do(journal.Reactivated(subscription=name))

    @rule()
    def bill_early(self) -> None:
        for name, _ in self._living():
            self._do(journal.BilledEarly(subscription=name))

    # People look after bills.

    @rule(place=any_place)
    def finalize(self, place: int) -> None:
        if found := _pick(self._bills(State.DRAFTED), place):
            self._do(journal.Finalized(subscription=found[0], period=found[1]))

    @rule(place=any_place)
    def delete_draft(self, place: int) -> None:
        if found := _pick(self._bills(State.DRAFTED), place):
            self._do(journal.DraftDeleted(subscription=found[0], period=found[1]))

    @rule(place=any_place)
    def void_invoice(self, place: int) -> None:
        if found := _pick(self._bills(State.FINAL), place):
            self._do(journal.InvoiceVoided(subscription=found[0], period=found[1]))

    @rule(place=any_place)
    def bill_again(self, place: int) -> None:
        if found := _pick(self._bills(State.WITHOUT_BILL), place):
            self._do(journal.Billed(subscription=found[0], period=found[1]))

    @rule(place=any_place, charge=any_place, quarters=st.integers(1, 4))
    def give_back(self, place: int, charge: int, quarters: int) -> None:
        found = _pick(self._bills(State.FINAL), place)
        if found is None:
            return
        name, index = found
        model = self._model()
        wanted = model.owed_of(model.lives[name], index)
        of = list(wanted)[charge % len(wanted)]
        places = model.opened.places
        minor_units = wanted[of] * quarters / 4 * 10**places // 1
        if minor_units > 0:
            given = Decimal(minor_units).scaleb(-places)
            self._do(journal.Noted(subscription=name, period=index, charge=of, amount=given))

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

    def _do(self, request: Request) -> None:
        accepted = self.driver.perform(request)
        note(f"{request}{'' if accepted else ' (refused)'}")

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
        return replay(self.driver.requests)

    def _living(self) -> list[tuple[str, Life]]:
        return [(name, life) for name, life in self._model().lives.items() if not life.is_over]

    def _live_events(self) -> list[str]:
        return [key for key, event in self._model().events.items() if not event.is_void]

    def _bills(self, state: State) -> list[tuple[str, int]]:
        return [
            (name, index)
            for name, life in self._model().lives.items()
            for index, period in enumerate(life.periods)
            if period.state is state
        ]


def compare(transactions: Transactions, driver: Driver) -> None:
    """The documents say what is owed, or will once all is settled."""
    if Fraction(driver.total()) != replay(driver.requests).owed():
        compare_settled(transactions, driver)


def compare_settled(transactions: Transactions, driver: Driver) -> None:
    """If everything ended now and was settled, the documents would say what is owed then."""
    with rehearse(transactions, driver.market.shop.organization_id) as rehearsal:
        inside = driver.within(rehearsal)
        settle(inside)
        documents, model = inside.total(), replay(inside.requests).owed()
        assert Fraction(documents) == model, f"documents say {documents}, owed are {model}"


def settle(driver: Driver) -> None:
    """All subscriptions end, and the clock goes on until nothing is pending."""
    model = replay(driver.requests)
    for name, life in model.lives.items():
        if not life.is_over:
            driver.perform(journal.Canceled(subscription=name))
    grace = timedelta(minutes=model.opened.grace_minutes)
    for later in (grace, 2 * HOUR, 2 * HOUR, timedelta(days=31)):
        driver.perform(journal.Advanced(to=replay(driver.requests).now + later))


def _pick(things: Sequence[Thing], place: int) -> Thing | None:
    return things[place % len(things)] if things else None
