"""The lines that commitments add to a bill, after coupons and before credit.

Source: CREDITS 13 and 22.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from billing.commitments.true_ups import TermBill
from billing.invoicing.own_words import ABOVE_COMMITMENT, COMMITMENT_CORRECTION, TRUE_UP
from billing.money import ONE, ZERO, Currency, exactly
from billing.rating.lines import CalculationStep, LineType, PricedLine, step
from billing.ratios import Exact

_OF_OTHER_BILLS: Final = frozenset({LineType.LATE_USAGE, LineType.INVOICED_BEFORE})
"""Lines that say by their corrections what changes of which charges of which period."""

LeftOfLine = tuple[PricedLine, Decimal]
"""A line of a bill, and what coupons leave of its rounded total."""


def true_up_lines(
    left: Sequence[LeftOfLine], terms: Iterable[TermBill], currency: Currency
) -> list[PricedLine]:
    """Give a line for each term that the bill says something of; none where it says nothing.

    It is taxed, and of no charge: neither coupons nor credit that is for some charges alone is for
    it. Worked example: 1,000 are committed, the lines are 400, and a coupon took 40 off them: 640.
    """
    lines = []
    for one in terms:
        bill = one.with_own(said_of(left, one))
        amount = bill.left_to_say(currency)
        if currency.round(amount) != ZERO:
            lines.append(_line(bill, amount, currency))
    return lines


@exactly
def said_of(left: Iterable[LeftOfLine], term: TermBill) -> Decimal:
    """What a bill says of a term's charges: by its own lines, and by corrections of its periods.

    Lines that are priced in own units are not in money, and do not count.
    """
    said = ZERO
    for line, amount in left:
        if line.priced_in is not None:
            continue
        if line.type in _OF_OTHER_BILLS:
            said += sum(
                (
                    one.amount
                    for one in line.corrections
                    if term.has_period(one.period_index) and term.commitment.is_for(one.charge_id)
                ),
                ZERO,
            )
        elif term.own_index is not None and term.commitment.is_for(line.charge_id):
            said += amount
    return said


def _line(bill: TermBill, amount: Exact, currency: Currency) -> PricedLine:
    name = ABOVE_COMMITMENT if bill.is_beyond else TRUE_UP
    name = COMMITMENT_CORRECTION if bill.is_correction else name
    return PricedLine(
        type=LineType.TRUE_UP,
        currency=currency.code,
        name=name,
        description=name,
        quantity=ONE,
        exact_amount=amount,
        true_up=bill,
        steps=tuple(_steps(bill, amount)),
    )


def _steps(bill: TermBill, amount: Exact) -> Iterable[CalculationStep]:
    commitment = bill.commitment
    yield step(
        "commitment",
        bill.committed,
        amount=commitment.amount,
        term_periods=commitment.term_periods,
        periods=len(bill.periods),
    )
    yield step("spent", bill.spent, by_other_documents=bill.spent_before, by_this_one=bill.own)
    yield step(
        "above_commitment" if bill.is_beyond else "true_up",
        bill.owed,
        committed=bill.committed,
        spent=bill.spent,
        overage_factor=commitment.overage_factor if bill.is_beyond else None,
        kept_because_given_back=bill.given_back or None,
    )
    if bill.said != ZERO:
        yield step("already_billed", amount, owed=bill.owed, billed=bill.said)
