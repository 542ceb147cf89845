"""A wallet and a shelf of pots that say the same, whatever happened: what machines build upon."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant

from billing.errors import BillingError
from tests.services.credits.machine.pots import NONE, Owed, Pot, Shelf
from tests.services.credits.machine.wallet_life import GRACE, Drawn, GrantRow, WalletLife
from tests.services.invoicing.prepaid.drawn import findings
from tests.services.lives import START

CENTS = st.integers(min_value=1, max_value=2000).map(lambda cents: Decimal(cents) / 100)
HOURS = st.one_of(
    st.integers(min_value=1, max_value=23),
    st.integers(min_value=1, max_value=20).map(lambda d: 24 * d),
)
PICKS = st.integers(min_value=0, max_value=50)
LOOKS_EVERY = 5
"""Steps after which all is compared, from one of the first on, whichever that is in this life.

A balance costs more than all else of a step, and what is posted stays: what is wrong is seen later.
"""


def begin_of(period: int) -> datetime:
    """The first instant of a month."""
    return START.replace(year=START.year + period // 12, month=period % 12 + 1)


@contextmanager
def refusal(*codes: str) -> Iterator[list[str]]:
    """Refusals of these codes, where there are any."""
    met: list[str] = []
    try:
        yield met
    except BillingError as error:
        if error.code not in codes:
            raise
        met.append(error.code)


@dataclass
class Bill:
    """A final invoice, and what each pot has paid of it and not got back."""

    invoice_id: UUID
    parts: list[tuple[Pot, Fraction]]
    total: Fraction
    period: int | None = None
    noted: Fraction = NONE


class Agreement(RuleBasedStateMachine):
    """One customer's wallet, and a shelf of pots."""

    begin_wallet: ClassVar[Callable[[], WalletLife]]

    @initialize(first=st.integers(min_value=0, max_value=LOOKS_EVERY - 1))
    def begin(self, first: int) -> None:
        """A customer without credit, at the begin of their first period."""
        self.life = type(self).begin_wallet()
        self.shelf = Shelf()
        self.by_name: dict[UUID, Pot] = {}
        self.used: dict[int, list[Owed]] = {}
        self.late_amounts: dict[int, Fraction] = {}
        self.final = 0
        self.holds: list[UUID] = []
        self.bills: list[Bill] = []
        self.forgiven: set[int] = set()
        self.has_account = False
        self.steps = first

    def _bill_period(self, index: int) -> None:
        final_at = begin_of(index + 1) + GRACE
        self.shelf.look(final_at)
        self._name(strictly=False)
        bill = self.life.period_bill(index)
        assert bill is not None
        lines = [self.used.pop(index, [])]
        lines += [
            [Owed(at=begin_of(one), amount=amount, is_usage=True, still=final_at)]
            for one, amount in sorted(self.late_amounts.items())
        ]
        self.late_amounts = {}
        self._draw(bill, lines, period=index)
        self.shelf.sweep(final_at, open_since=begin_of(index + 1))
        self._name(strictly=False)

    def _draw(self, bill: Drawn, lines: list[list[Owed]], *, period: int | None) -> None:
        """The invoice drew what the pots pay."""
        paid = self.shelf.pay(lines)
        expected = {self.shelf.pots[place].name: part for place, part in paid.items()}
        assert {name: Fraction(part) for name, part in bill.draws.items()} == expected
        total = sum((coin.amount for line in lines for coin in line), NONE)
        assert Fraction(bill.total) == total
        parts = self.shelf.take(paid)
        self.bills.append(Bill(bill.invoice_id, parts, total, period))

    def _look(self) -> None:
        self.shelf.look(self.life.now)
        self._name(strictly=True)

    def _name(self, *, strictly: bool) -> None:
        """Pots are called as the product calls them, and stand in its order."""
        for row in self.life.stored_grants():
            pot = self.by_name.get(row.id) or self._find(row)
            if pot is None:
                assert not strictly, f"nobody gave {row}"
                continue
            self.by_name[row.id] = pot
            pot.name, pot.number = row.id, row.sequence

    def _find(self, row: GrantRow) -> Pot | None:
        for pot in self.shelf.pots:
            if pot.name is not None or Fraction(row.amount) != pot.given:
                continue
            rolled = isinstance(pot.kin, Pot) and pot.kin.name == row.rolled_from
            if rolled or pot.kin == (row.rule_id, row.occurrence):
                assert (pot.starts, pot.ends) == (row.effective_at, row.expires_at)
                return pot
        return None

    def _owed(self) -> list[Owed]:
        return [coin for _, coins in sorted(self.used.items()) for coin in coins]

    @invariant()
    def both_say_the_same(self) -> None:
        """After some steps, what there is now, and all else that reads postings."""
        if hasattr(self, "life"):
            self.steps += 1
            if self.steps % LOOKS_EVERY == 0:
                self._agree_on_what_was_posted()

    def teardown(self) -> None:
        """What became of each grant, which nothing can mend, and no document contradicts another.

        Postings are never changed, so whatever went wrong at any step is there at the end.
        """
        if hasattr(self, "life"):
            self._agree_on_what_was_posted()
            assert findings(self.life.life) == []

    def _agree_on_the_balance(self, *, at: datetime | None) -> None:
        now = self.life.now
        self.shelf.look(now)
        accruing = self.shelf.used(self._owed(), now)[0] if at is None else NONE
        found = self.life.balance(at=at)
        assert Counter(self.shelf.worth(now)) == Counter(
            (Fraction(one.rest), Fraction(one.held), one.expires_at)
            for one in found.lots
            if one.rest or one.held
        )
        assert Fraction(found.accruing) == accruing

    def _agree_on_what_was_posted(self) -> None:
        """The balance, now and at this instant, and of each grant where its coins went."""
        self._agree_on_the_balance(at=None)
        self._agree_on_the_balance(at=self.life.now)
        spent: defaultdict[UUID, Decimal] = defaultdict(Decimal)
        gone: defaultdict[UUID, Decimal] = defaultdict(Decimal)
        for one in self.life.ledger():
            if one.kind in {"drawn", "returned"}:
                spent[one.grant_id] -= one.amount
            elif one.kind in {"expired", "rolled", "refunded"}:
                gone[one.grant_id] -= one.amount
        for name, pot in self.by_name.items():
            assert (Fraction(spent[name]), Fraction(gone[name])) == (pot.spent, pot.gone), pot
