"""Lives in which people look after bills: they finalize, delete, rewrite, void and issue again."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.money.drawn.steps import Steps, any_place, pick
from tests.money.drawn.worlds import decimals
from tests.money.model import journal
from tests.money.model.lives import State


class Bills(Steps):
    """People who change their minds about bills."""

    @rule(place=any_place)
    def finalize(self, place: int) -> None:
        if found := pick(self._bills(State.DRAFTED), place):
            self._do(journal.Finalized(subscription=found[0], period=found[1]))

    @rule(place=any_place)
    def delete_draft(self, place: int) -> None:
        states = (State.DRAFTED,) if place % 8 else (State.DRAFTED, State.FINAL)
        if found := pick(self._left_to_people(*states), place):
            self._do(journal.DraftDeleted(subscription=found[0], period=found[1]))

    @rule(place=any_place, amount=decimals(30, 0))
    def edit_draft(self, place: int, amount: Decimal) -> None:
        drafts = [one for one in self._bills(State.DRAFTED) if not self._is_committed(*one)]
        if found := pick(drafts, place):
            request = journal.DraftEdited(subscription=found[0], period=found[1], amount=amount + 1)
            self._do(request, "invoiced_before" if self.driver.has_steps(*found) else None)

    @rule(place=any_place, settles_again=st.booleans())
    def void_invoice(self, place: int, *, settles_again: bool) -> None:
        if found := pick(self._left_to_people(State.FINAL), place):
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
        if late := pick(found, place):
            self._void(
                journal.InvoiceVoided(
                    subscription=late[0], late=late[1], settles_again=settles_again
                )
            )

    @rule(place=any_place)
    def bill_again(self, place: int) -> None:
        lives = self._model().lives
        bills = [one for one in self._bills(State.WITHOUT_BILL) if not lives[one[0]].is_deleted]
        if found := pick(bills, place):
            self._do(journal.Billed(subscription=found[0], period=found[1]))

    @rule(place=any_place)
    def bill_what_is_billed(self, place: int) -> None:
        states = (State.RUNNING, State.DRAFTED, State.FINAL)
        if found := pick(self._bills(*states), place):
            self._do(journal.Billed(subscription=found[0], period=found[1]))

    def _left_to_people(self, *states: State) -> list[tuple[str, int]]:
        """Where late usage is ignored, nothing else is corrected either.

        So what was billed as a period ran stays when its bill is gone, and so do true-ups.
        """
        if self._model().opened.late_usage != "ignore":
            return self._bills(*states)
        return [
            one
            for one in self._bills(*states)
            if not self._is_committed(*one) and not self.driver.has_steps(*one)
        ]

    def _is_committed(self, name: str, index: int) -> bool:
        return self._model().lives[name].periods[index].plan.commitment is not None

    def _void(self, request: journal.InvoiceVoided) -> None:
        """Only what still waits for money can be void."""
        _, status = self.driver.find_voidable(request)
        self._do(request, None if status == "OPEN" else "invalid_transition")
