"""True-ups: what a term comes to beside the lines of its charges, and what of that a bill says.

Source: CREDITS 13 and 22. Nothing is stored here: a draft's true-up is computed again when
it becomes final, of what documents say then.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from billing.commitments.terms import CommitmentTerms
from billing.money import ONE, ZERO, Currency, exactly
from billing.ratios import Exact, add_up, quotient


@dataclass(frozen=True, slots=True, kw_only=True)
class TermPeriod:
    """A period of a term: its share of a regular period, and what of its charges is billed.

    The share is ``covered`` of ``total`` days or microseconds. ``billed`` is what all other
    documents say of the charges, in money: lines after coupons, and corrections since. What people
    gave back is not taken off.
    """

    period_index: int
    covered: int = 1
    total: int = 1
    billed: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class TermBill:
    """What a bill settles a term by: whoever has it can compute the true-up again.

    ``own_index`` is the period of the bill itself where that is one of the term, ``own`` what the
    bill says of the term's charges. ``said`` is what other documents billed as its true-up, and
    ``given_back`` what people gave back of that: no less is owed.
    """

    commitment: CommitmentTerms
    periods: tuple[TermPeriod, ...]
    own_index: int | None = None
    own: Decimal = ZERO
    said: Decimal = ZERO
    given_back: Decimal = ZERO

    def has_period(self, index: int) -> bool:
        """Whether a period is one of the term."""
        return any(one.period_index == index for one in self.periods)

    @exactly
    def with_own(self, own: Decimal) -> TermBill:
        """The same, of a bill that says that much of the term's charges."""
        return replace(self, own=own)

    @property
    @exactly
    def committed(self) -> Exact:
        """What is owed of the term at least: the shares of its periods, each of its part.

        Worked example: of 12,000 for twelve months, of which the first is 17 of 31 days, 11,548.39.
        """
        amount, count = self.commitment.amount, self.commitment.term_periods
        return add_up(quotient(amount * one.covered, one.total * count) for one in self.periods)

    @property
    @exactly
    def spent_before(self) -> Decimal:
        """What all other documents say of the term's charges."""
        return sum((one.billed for one in self.periods), ZERO)

    @property
    @exactly
    def spent(self) -> Decimal:
        """What all documents say of the term's charges, this bill included."""
        return self.spent_before + self.own

    @property
    @exactly
    def owed(self) -> Exact:
        """What the term comes to beside its lines.

        Below the commitment what is missing; above it what is beyond, as much more as the factor
        says. Never less than people gave back of it. Worked examples: 12,000 committed and 9,000
        spent: 3,000; 14,000 spent at a factor of 1.5: 1,000.
        """
        beyond = self.spent - self.committed
        owed = beyond * (self.commitment.overage_factor - ONE) if beyond > ZERO else -beyond
        return max(owed, self.given_back) if self.given_back > ZERO else owed

    @property
    def is_beyond(self) -> bool:
        """Whether more than the commitment was spent."""
        return self.spent > self.committed

    @property
    def is_correction(self) -> bool:
        """Whether the term was settled before, by the bill of its last period."""
        return self.own_index != self.periods[-1].period_index

    @exactly
    def left_to_say(self, currency: Currency) -> Exact:
        """What a bill is to say, where others have ``said`` some already; it may be below zero.

        So that what all of them say is what one would have said, it is then the rounded amount less
        theirs.
        """
        return self.owed if self.said == ZERO else currency.round(self.owed) - self.said


def terms_of_one(
    commitments: Iterable[CommitmentTerms], *, covered: int, total: int
) -> tuple[TermBill, ...]:
    """The bills of a period by itself, for commitments whose terms have no others.

    The period is ``covered`` of ``total`` of a regular one.
    """
    return tuple(
        TermBill(
            commitment=one,
            periods=(TermPeriod(period_index=0, covered=covered, total=total),),
            own_index=0,
        )
        for one in commitments
        if one.term_periods == 1
    )
