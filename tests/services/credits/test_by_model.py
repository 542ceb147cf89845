"""Any movements in any order leave what a second model says, which knows neither rows nor keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, ClassVar, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billing.money import round_half_away
from models.base import new_id
from repositories.entitlements.balances import HELD_LOTS
from repositories.transactions import Transactions
from services.credits.checks import check_credits
from tests.billing.profiles import PROFILE
from tests.services.credits.machine.agreement import refusal
from tests.services.credits.naive import Shelf
from tests.services.credits.purse import BEGIN, Purse, open_purse
from tests.services.shop import open_shop

CENTS = st.integers(min_value=1, max_value=1000).map(lambda cents: Decimal(cents) / 100)
HOURS = st.integers(min_value=1, max_value=30)
PICKS = st.integers(min_value=0, max_value=50)


class Movements(RuleBasedStateMachine):
    """One wallet, moved in every way there is, beside jars of coins."""

    transactions: ClassVar[Transactions]

    @initialize()
    def begin(self) -> None:
        """A customer without credit."""
        self.purse: Purse = open_purse(open_shop(self.transactions))
        self.shelf = Shelf()
        self.now: datetime = BEGIN
        self.grants: list[Any] = []
        self.ends: dict[Any, datetime | None] = {}
        self.holds: list[Any] = []
        self.bills: list[Any] = []

    @rule(hours=HOURS)
    def wait(self, hours: int) -> None:
        """Time passes, and nobody says so."""
        self.now += timedelta(hours=hours)

    @rule(
        amount=CENTS,
        later=st.one_of(st.just(0), HOURS),
        lives=st.one_of(st.none(), HOURS),
        priority=st.integers(min_value=49, max_value=51),
    )
    def grant(self, amount: Decimal, later: int, lives: int | None, priority: int) -> None:
        """There is more, now or later, for ever or not."""
        begins = self.now + timedelta(hours=later)
        ends = None if lives is None else begins + timedelta(hours=lives)
        made = self.purse.grant(
            str(amount), effective_at=begins, expires_at=ends, priority=priority, now=self.now
        )
        self.grants.append(made.row.id)
        self.ends[made.row.id] = ends
        self.shelf.give(made.row.id, Fraction(amount), begins, ends, priority)

    @rule(amount=CENTS, hours=st.integers(min_value=1, max_value=24), repeat=st.booleans())
    def hold(self, amount: Decimal, hours: int, repeat: bool) -> None:
        """Something is set aside, if there is as much."""
        name = new_id()
        could = self.shelf.promise(name, Fraction(amount), self.now, timedelta(hours=hours))
        with refusal("no_credit") as met:
            for _ in range(1 + repeat):
                self.purse.hold(str(amount), hold_id=name, hours=hours, now=self.now)
        assert could is not bool(met)
        if could:
            self.holds.append(name)

    @precondition(lambda self: self.holds)
    @rule(pick=PICKS, share=st.integers(min_value=0, max_value=4), repeat=st.booleans())
    def settle(self, pick: int, share: int, repeat: bool) -> None:
        """What was set aside was used, some of it, or all."""
        name = self.holds[pick % len(self.holds)]
        held = self.shelf.promises[name].amount
        used = round_half_away(Decimal(held.numerator) / held.denominator * share / 4, 2)
        used = min(used, Decimal(held.numerator) / held.denominator)
        stood = self.shelf.keep(name, Fraction(used), self.now)
        with refusal("hold_over", "hold_settled") as met:
            for _ in range(1 + repeat):
                self.purse.settle(name, str(used), now=self.now)
        # The same again, of one that was settled, is a repeat.
        assert not (stood and met)

    @precondition(lambda self: self.holds)
    @rule(pick=PICKS)
    def release(self, pick: int) -> None:
        """What was set aside is not needed."""
        name = self.holds[pick % len(self.holds)]
        stood = self.shelf.keep(name, Fraction(0), self.now)
        with refusal("hold_settled") as met:
            self.purse.release(name, now=self.now)
        assert not (stood and met)

    @precondition(lambda self: self.grants)
    @rule(pick=PICKS, amount=CENTS, repeat=st.booleans())
    def draw(self, pick: int, amount: Decimal, repeat: bool) -> None:
        """A bill draws from a grant, which it may have been alive for before."""
        grant_id = self.grants[pick % len(self.grants)]
        if self.shelf.jars[grant_id].begins > self.now:
            return
        bill = self.purse.invoice(now=self.now)
        could = self.shelf.pay(bill.id, grant_id, Fraction(amount), self.now)
        with refusal("invariant_broken") as met:
            for _ in range(1 + repeat):
                self.purse.draw(bill, (grant_id, 1, str(amount)), now=self.now)
        assert could is not bool(met)
        if could:
            self.bills.append(bill)

    @precondition(lambda self: self.bills)
    @rule(pick=PICKS, repeat=st.booleans())
    def void(self, pick: int, repeat: bool) -> None:
        """A bill gives back what it drew."""
        bill = self.bills.pop(pick % len(self.bills))
        self.shelf.undo(bill.id, self.now)
        for _ in range(1 + repeat):
            self.purse.give_back(bill, now=self.now)

    @precondition(lambda self: self.grants)
    @rule(pick=PICKS, repeat=st.booleans())
    def end(self, pick: int, repeat: bool) -> None:
        """A grant is ended before its time."""
        grant_id = self.grants[pick % len(self.grants)]
        ends = self.ends[grant_id]
        with refusal("grant_expired") as met:
            for _ in range(1 + repeat):
                self.purse.end(grant_id, now=self.now)
        assert bool(met) is (ends is not None and ends <= self.now)
        if not met:
            self.shelf.smash(grant_id, self.now)

    @rule(repeat=st.booleans())
    def expire(self, repeat: bool) -> None:
        """Somebody posts what is over."""
        self.shelf.sweep(self.now)
        for _ in range(1 + repeat):
            self.purse.expire(now=self.now)

    @invariant()
    def both_say_the_same(self) -> None:
        """Balance, parts and rules, now and as of this instant."""
        if not hasattr(self, "purse"):
            return
        settled, held = self.shelf.worth(self.now)
        for balance in (
            self.purse.balance(now=self.now),
            self.purse.balance(now=self.now, at=self.now),
        ):
            assert Fraction(balance.settled) == settled
            assert Fraction(balance.held) == held
            assert balance.available >= 0
        self.one_statement_says_the_same()
        assert list(self.purse.shop.read(check_credits).findings) == []

    def one_statement_says_the_same(self) -> None:
        """What is read in front of the framework is what the service says."""
        found = self.purse.holding(now=self.now)
        balance = self.purse.balance(now=self.now)
        assert found is not None
        assert (found.unit, found.at) == (balance.unit, balance.at)
        rests = tuple((one.grant_id, one.rest, one.expires_at) for one in balance.lots if one.rest)
        assert HELD_LOTS.decode(found.document) == (rests, balance.held)

    def teardown(self) -> None:
        """The ledger adds up to what each grant has become."""
        if not hasattr(self, "purse"):
            return
        rows = self.purse.ledger()
        for grant_id in self.grants:
            its = [one for one in rows if one.grant_id == grant_id]
            spent = -sum(one.amount for one in its if one.kind in {"drawn", "returned"})
            gone = -sum(one.amount for one in its if one.kind == "expired")
            jar = self.shelf.jars[grant_id]
            assert Fraction(spent) == jar.spent
            assert Fraction(gone) <= jar.given - jar.spent


EXAMPLES: Final = {"quick": 4, "default": 8, "gate": 200, "deep": 50_000}
"""Each is twenty movements on a real database."""


def test_movements_leave_what_a_second_model_says(transactions: Transactions) -> None:
    Movements.transactions = transactions
    run_state_machine_as_test(
        Movements,
        settings=settings(
            max_examples=EXAMPLES[PROFILE],
            stateful_step_count=20,
            deadline=None,
            derandomize=PROFILE == "default",
        ),
    )
