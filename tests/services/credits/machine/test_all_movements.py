"""Everything that moves credit, in any order, leaves what a second model says that counts coins.

Grants are given, sold and recur, roll over, expire and are ended with their money or without; holds
are settled, released or forgotten; bills and written invoices draw, and give back as they become
void or are credited; usage comes in time, within the grace and too late.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from random import randrange
from typing import Final

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from tests.billing.profiles import PROFILE
from tests.services.credits.machine.agreement import CENTS, HOURS, PICKS, Bill, begin_of
from tests.services.credits.machine.giving import Holding
from tests.services.credits.machine.pots import NONE, Owed, Pot
from tests.services.credits.machine.wallet_life import GRACE, WalletLife
from tests.services.lives import START

EXAMPLES: Final = int(
    os.environ.get(
        "FLUXRATE_CREDIT_EXAMPLES",
        {"quick": 2, "default": 3, "gate": 200, "deep": 50_000}[PROFILE],
    )
)
SHARDS: Final = 8 if EXAMPLES >= 200 else 1
"""Each is a test of its own, so that several processes share a long run."""
IS_SAME: Final = EXAMPLES <= 2_000
"""The suite and CI try the same lives every time; a longer run looks for others."""
STEPS: Final = 25


class Wallets(Holding):
    """Credit pays, and comes back."""

    @rule(hours=HOURS)
    def wait(self, hours: int) -> None:
        """Time passes, periods end, and their bills become final."""
        self.life.wait(hours)
        while begin_of(self.final + 1) + GRACE <= self.life.now:
            self._bill_period(self.final)
            self.final += 1
        self._look()

    @rule(amount=CENTS, days_ago=st.integers(min_value=0, max_value=45))
    def use(self, amount: Decimal, days_ago: int) -> None:
        """Something was used now, or some time ago."""
        at = max(START, self.life.now - timedelta(days=days_ago))
        period = next(one for one in range(24) if at < begin_of(one + 1))
        if period in self.forgiven:
            return
        self.life.use(at, amount)
        if period >= self.final:
            coin = Owed(at=at, amount=Fraction(amount), is_usage=True)
            self.used.setdefault(period, []).append(coin)
        else:
            self.late_amounts[period] = self.late_amounts.get(period, NONE) + Fraction(amount)

    @rule(amount=CENTS)
    def write(self, amount: Decimal) -> None:
        """Somebody writes an invoice."""
        bill = self.life.write(amount)
        self.shelf.look(self.life.now)
        self._name(strictly=False)
        coin = Owed(at=self.life.now, amount=Fraction(amount))
        self._draw(bill, [[coin]], period=None)
        self.shelf.sweep(self.life.now, open_since=begin_of(self.final))
        self._look()

    @precondition(lambda self: any(not one.noted for one in self.bills))
    @rule(pick=PICKS, more_days=st.one_of(st.none(), st.integers(min_value=1, max_value=9)))
    def void(self, pick: int, more_days: int | None) -> None:
        """An invoice has no effect any more, and gives back what it drew."""
        could = [one for one in self.bills if not one.noted]
        bill = could[pick % len(could)]
        if not self._is_voidable(bill):
            return
        self.life.void(bill.invoice_id, extend_days=more_days)
        self.bills.remove(bill)
        if bill.period is not None:
            self.forgiven.update(range(bill.period + 1))
        self.shelf.look(self.life.now)
        self._name(strictly=False)
        self.shelf.give_back(bill.parts, self.life.now, more_days)
        self._look()

    def _is_voidable(self, bill: Bill) -> bool:
        """Nothing was paid of it in money, and no late usage waits for what it billed."""
        invoice = self.life.invoice(bill.invoice_id)
        later = [one for one in self.late_amounts if bill.period is not None and one <= bill.period]
        return not invoice.amount_paid and not later and bool(bill.total)

    @precondition(lambda self: any(one.period is None for one in self.bills))
    @rule(pick=PICKS, amount=CENTS)
    def note(self, pick: int, amount: Decimal) -> None:
        """Part of an invoice is given back, to whoever paid it, in proportion."""
        written = [one for one in self.bills if one.period is None]
        bill = written[pick % len(written)]
        if bill.noted + Fraction(amount) > bill.total:
            return
        due = Fraction(self.life.invoice(bill.invoice_id).amount_due)
        known = len(self.life.ledger())
        self.life.note(bill.invoice_id, amount, f"note {len(self.life.ledger())} {amount}")
        back = {
            self.by_name[one.grant_id]: Fraction(one.amount)
            for one in self.life.ledger()[known:]
            if one.kind == "returned"
        }
        bill.noted += Fraction(amount)
        self._look()
        self._require_fair(bill, back, rest=max(NONE, Fraction(amount) - due))
        self.shelf.give_back(back.items(), self.life.now)
        bill.parts = [(pot, part - back.get(pot, NONE)) for pot, part in bill.parts]

    def _require_fair(self, bill: Bill, back: dict[Pot, Fraction], *, rest: Fraction) -> None:
        """No pot gets more than it paid, and each its share of what is not due, to a cent."""
        paid = dict(bill.parts)
        whole = sum(paid.values(), NONE)
        assert all(part <= paid[pot] for pot, part in back.items())
        assert sum(back.values(), NONE) <= rest
        if not self.has_account:
            assert sum(back.values(), NONE) == rest
            for pot, part in paid.items():
                share = rest * part / whole if whole else NONE
                assert abs(back.get(pot, NONE) - share) <= Fraction(1, 50)


@pytest.mark.parametrize("shard", range(SHARDS))
def test_all_movements_leave_what_a_second_model_says(
    shard: int, begin_wallet: Callable[[], WalletLife]
) -> None:
    @seed(shard if IS_SAME else randrange(10**6))
    class TriedWallets(Wallets):
        pass

    TriedWallets.begin_wallet = staticmethod(begin_wallet)
    run_state_machine_as_test(
        TriedWallets,
        settings=settings(
            max_examples=-(-EXAMPLES // SHARDS),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
