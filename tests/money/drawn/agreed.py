"""Lives that are billed as they run, and have more than their plan: thresholds, and add-ons."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.money.drawn.steps import Steps, any_place, pick
from tests.money.drawn.worlds import decimals
from tests.money.model import agreements
from tests.money.model.lives import State

MOST_ADD_ONS = 3


class Agreements(Steps):
    """What is agreed of subscriptions, and looked at."""

    @rule(place=any_place, amount=st.one_of(st.none(), *[st.integers(1, 30)] * 4))
    def set_threshold(self, place: int, amount: int | None) -> None:
        if name := self._pick_life(place):
            wanted = None if amount is None else Decimal(amount)
            self._do(agreements.ThresholdSet(subscription=name, amount=wanted))
            self._look(name)

    @rule(place=any_place)
    def look(self, place: int) -> None:
        if name := self._pick_life(place):
            self._look(name)

    @rule(place=any_place, which=any_place)
    def void_step(self, place: int, which: int) -> None:
        """Before the last bill is final, which takes up what is unbilled again."""
        found = [
            (name, index, nth)
            for name, index in self._bills(State.RUNNING, State.DRAFTED)
            for nth in range(len(self.driver.steps(name, index)))
        ]
        if step := pick(found, place + which):
            name, index, nth = step
            self._do(agreements.StepVoided(subscription=name, period=index, place=nth))

    @rule(place=any_place, price=decimals(20, 2), quantity=st.integers(1, 3))
    def attach(self, place: int, price: Decimal, quantity: int) -> None:
        known = [one for life in self._model().lives.values() for one in life.add_ons]
        if (name := self._pick_life(place)) and len(known) < MOST_ADD_ONS:
            self._do(
                agreements.AddOnAttached(
                    subscription=name,
                    name=f"extra {len(known)}",
                    price=price,
                    quantity=Decimal(quantity),
                )
            )

    @rule(place=any_place, quantity=st.integers(0, 4))
    def change_add_on(self, place: int, quantity: int) -> None:
        known = [(name, one) for name, life in self._model().lives.items() for one in life.add_ons]
        if found := pick(known, place):
            self._do(
                agreements.AddOnChanged(
                    subscription=found[0], name=found[1], quantity=Decimal(quantity)
                )
            )

    def _look(self, name: str) -> None:
        self._do(agreements.Looked(subscription=name))
