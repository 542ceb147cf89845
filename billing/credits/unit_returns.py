"""What a credit note gives back of a line that is priced in an own unit: units, and money.

First it lowers what is still due of the money that the rest became, or what nobody owes of it. The
remainder goes back as the line was settled: to each grant in its unit, and as money of the rest.
What goes back to grants whose units are taxed as they are used gives back its part of their cost,
which the line had, and the tax of that.
Source: CREDITS 14 and 17.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from billing.credits.returns import Paid, Returned
from billing.money import ZERO, Currency, exactly, round_half_away
from billing.units import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitLine:
    """A line in an own unit of which a note gives back ``amount``, in that unit.

    ``paid`` are the grants in the order in which they pay, with what each has not got back.
    ``rest`` is what no grant paid, which became ``money`` after coupons; of these ``rest_left`` and
    ``money_left`` were not given back yet.
    """

    position: int
    unit: Unit
    amount: Decimal
    paid: tuple[Paid, ...]
    rest: Decimal
    rest_left: Decimal
    money: Decimal
    money_left: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitReturn:
    """What goes back of a line in an own unit: to grants, and in money of its rest before tax."""

    returned: tuple[Returned, ...]
    money: Decimal

    @property
    @exactly
    def cost(self) -> Decimal:
        """What of the line's cost shares goes back, in money before tax."""
        return sum((one.cost for one in self.returned), ZERO)


@exactly
def return_in_unit(line: UnitLine, due: Decimal, currency: Currency) -> UnitReturn:
    """Split what a note gives back of a line; ``due`` is what of the invoice is due, before tax.

    All notes together give back exactly the money, since each gives what their sum comes to, less
    what was given. Worked example: of 120 tokens a grant paid 100, and 20 became 0.40, which were
    paid: 60 give back 50 to the grant, and 10 as 0.20. While the 0.40 are due, 60 lower these to
    nothing, and 40 go back to the grant.
    """
    lowered = min(line.amount, _unsettled(line, due))
    shares = _shares(line, line.amount - lowered, line.rest_left - lowered)
    returned = tuple(
        Returned(
            grant_id=one.grant_id,
            position=line.position,
            amount=share,
            place=one.place,
            unit=line.unit.code,
            cost=_cost_of(one, share, currency),
        )
        for one, share in zip(line.paid, shares, strict=False)
        if share > ZERO
    )
    return UnitReturn(returned=returned, money=_money_of(line, lowered + shares[-1], currency))


def _unsettled(line: UnitLine, due: Decimal) -> Decimal:
    """How much of the rest nobody has paid: all of it where it came to nothing."""
    if line.money_left <= due:
        return line.rest_left
    finest = line.unit.finest
    return line.rest_left * max(due, ZERO) // (line.money_left * finest) * finest


def _shares(line: UnitLine, amount: Decimal, rest: Decimal) -> Sequence[Decimal]:
    weights = (*(one.left for one in line.paid), rest)
    if amount == ZERO:
        return [ZERO for _ in weights]
    return line.unit.share(amount, weights)


def _cost_of(paid: Paid, amount: Decimal, currency: Currency) -> Decimal:
    """What so much of what a grant paid had cost, after what was given back before."""
    if paid.cost == ZERO:
        return ZERO
    given = paid.drawn - paid.left + amount
    whole = round_half_away(paid.cost * given, currency.exponent, divisor=paid.drawn)
    return whole - (paid.cost - paid.cost_left)


def _money_of(line: UnitLine, units: Decimal, currency: Currency) -> Decimal:
    """What so many units of the rest give back in money, after what was given back before."""
    if line.rest == ZERO:
        return ZERO
    given = line.rest - line.rest_left + units
    whole = round_half_away(line.money * given, currency.exponent, divisor=line.rest)
    return whole - (line.money - line.money_left)
