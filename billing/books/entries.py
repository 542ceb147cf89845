"""Entries: what is booked on one day of one matter. None can be made that does not balance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from billing.books.chart import (
    CUSTOMER_CREDIT,
    PREPAID_CREDIT,
    RECEIVABLE,
    PostingKind,
    Rate,
    other_side,
    revenue_account,
    tax_account,
)
from billing.errors import InvariantBroken
from billing.money import ZERO, exactly


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """An amount on an account: above zero is debit, below zero credit."""

    account: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What an entry is about: ``key`` never names two, ``documents`` are numbers of ours."""

    key: str
    kind: str
    on: date
    currency: str
    customer: str
    customer_id: str
    documents: tuple[str, ...] = ()
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Legs that sum to zero."""

    matter: Matter
    legs: tuple[Leg, ...]

    def __post_init__(self) -> None:
        if _sum_of(self.legs) != ZERO:
            raise InvariantBroken(f"The entry {self.matter.key} does not balance.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """What an invoice billed, or a note gave back: all of it, and of that each rate's tax.

    Prepaid credit pays ``prepaid`` of it, so that nobody owes that; what was paid in the end for
    the credit drawn, before tax too, is ``prepaid_cost``. ``sells_credit``: it is what is sold.
    """

    total: Decimal
    prepaid: Decimal = ZERO
    prepaid_cost: Decimal = ZERO
    sells_credit: bool = False
    rates: tuple[Rate, ...] = ()
    taxes: tuple[Decimal, ...] = field(default=())


@exactly
def bill(matter: Matter, billed: Billed) -> Entry:
    """An invoice: the customer owes what was sold, and the state is owed its tax.

    Credit that it grants or leaves is no part of it: that is posted on the customer's account.
    """
    return _entry(matter, _legs_of(billed))


@exactly
def give_back(matter: Matter, given: Billed) -> Entry:
    """A credit note: the bill the other way round."""
    return _entry(matter, [_turned(leg) for leg in _legs_of(given)])


@exactly
def void(matter: Matter, billed: Billed, notes: Sequence[Billed]) -> Entry:
    """A voided invoice: what was billed and no note gave back before, the other way round."""
    legs = [_turned(leg) for leg in _legs_of(billed)]
    return _entry(matter, [*legs, *(leg for note in notes for leg in _legs_of(note))])


@exactly
def post(matter: Matter, kind: PostingKind, amount: Decimal, provider: str | None) -> Entry:
    """A posting on the customer's account, and its other side."""
    return _entry(
        matter,
        [
            Leg(account=other_side(kind, provider), amount=amount),
            Leg(account=CUSTOMER_CREDIT, amount=-amount),
        ],
    )


@exactly
def earn(matter: Matter, cost: Decimal, account: str) -> Entry:
    """Sold credit that is owed no more, by what it had cost: income of that account.

    Below zero it is owed again.
    """
    legs = [Leg(account=PREPAID_CREDIT, amount=cost), Leg(account=account, amount=-cost)]
    return _entry(matter, legs)


def _legs_of(billed: Billed) -> list[Leg]:
    # What credit was sold for is earned as the credit is used; what it was sold below its worth,
    # or given, is less revenue.
    sold = billed.total - sum(billed.taxes, ZERO) - billed.prepaid + billed.prepaid_cost
    earned = PREPAID_CREDIT if billed.sells_credit else revenue_account(billed.rates)
    return [
        Leg(account=RECEIVABLE, amount=billed.total - billed.prepaid),
        Leg(account=PREPAID_CREDIT, amount=billed.prepaid_cost),
        Leg(account=earned, amount=-sold),
        *(
            Leg(account=tax_account(rate), amount=-tax)
            for rate, tax in zip(billed.rates, billed.taxes, strict=True)
        ),
    ]


def _turned(leg: Leg) -> Leg:
    return Leg(account=leg.account, amount=-leg.amount)


def _entry(matter: Matter, legs: Sequence[Leg]) -> Entry:
    """One leg for each account, in order; those of nothing are left out."""
    sums: dict[str, Decimal] = {}
    for leg in legs:
        sums[leg.account] = sums.get(leg.account, ZERO) + leg.amount
    kept = [Leg(account=account, amount=amount) for account, amount in sums.items() if amount]
    return Entry(matter=matter, legs=tuple(kept))


@exactly
def _sum_of(legs: Sequence[Leg]) -> Decimal:
    return sum((leg.amount for leg in legs), ZERO)
