"""What a credit note gives back to the grants that paid of its lines, and what in money.

First it lowers what is still due. The rest goes back as the line was settled: to money and to each
grant in proportion, by largest remainder; ties go to the grants, in the order in which they pay.
Source: CREDITS 17.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from billing.credits.grants import Place
from billing.money import ZERO, exactly
from billing.units import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Paid:
    """What a grant has paid of a line and not got back.

    Of ``drawn`` in an own unit that is taxed as it is used the line had a share of ``cost``;
    ``cost_left`` of that no note has given back.
    """

    grant_id: UUID
    place: Place
    left: Decimal
    drawn: Decimal = ZERO
    cost: Decimal = ZERO
    cost_left: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredLine:
    """A line of which a note gives back ``amount``, of what is ``left`` of it before tax.

    ``paid`` are the grants in the order in which they pay.
    """

    position: int
    amount: Decimal
    left: Decimal
    is_taxable: bool
    paid: tuple[Paid, ...] = ()

    def paid_at(self, place: Place) -> tuple[Paid, ...]:
        """What grants have paid of it there."""
        return tuple(one for one in self.paid if one.place is place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """How much of a line goes back to a grant, in its unit: ``unit`` where that is no currency.

    ``cost`` is what of the line's cost share goes back with it.
    """

    grant_id: UUID
    position: int
    amount: Decimal
    cost: Decimal = ZERO
    place: Place
    unit: str | None = None

    @property
    def money(self) -> Decimal:
        """How much of what the bill came to that is, in its currency."""
        return self.amount if self.unit is None else self.cost


@dataclass(frozen=True, slots=True, kw_only=True)
class NetReturn:
    """What goes back of lines before tax: to money by position, and to grants."""

    money: Mapping[int, Decimal]
    returned: tuple[Returned, ...]


@exactly
def return_net(lines: Sequence[CoveredLine], due: Decimal, unit: Unit) -> NetReturn:
    """Split what a note gives back before tax; ``due`` is what is still due, before tax.

    Worked example: of a line of 100 that a grant paid 40 of and money the rest, 50 give back 20 to
    the grant and 30 in money. If nothing was paid yet, all 50 lower what is due.
    """
    money: dict[int, Decimal] = {}
    returned: list[Returned] = []
    for line in lines:
        paid = line.paid_at(Place.BEFORE_TAX)
        by_money = line.left - sum((one.left for one in paid), ZERO)
        lowered = min(line.amount, by_money, due)
        due -= lowered
        shares = _shares(
            line.amount - lowered, [*(one.left for one in paid), by_money - lowered], unit
        )
        money[line.position] = lowered + shares[-1]
        returned += _returned(line, paid, shares)
    return NetReturn(money=money, returned=tuple(returned))


@exactly
def return_gross(
    lines: Sequence[CoveredLine],
    rest: Decimal,
    *,
    others: Sequence[CoveredLine],
    given: Mapping[int, Decimal],
    left: Mapping[int, Decimal],
    received: Decimal,
    unit: Unit,
) -> tuple[Returned, ...]:
    """Say what of ``rest`` goes back to grants that paid with tax; the other part is money.

    ``given`` is what the note gives back of each line with tax, ``left`` what was left of it then.
    No more money goes back than was ``received``: what is over goes to grants of the ``others``
    too, on which a note may have lowered what was due of these. Worked example: a grant paid 25 of
    one line, and 25 of another are due. A note on the first lowers what is due, so that one on the
    second gives back to the grant.
    """
    if rest <= ZERO:
        return ()
    returned: list[Returned] = []
    of_lines = _shares(rest, [given[one.position] for one in lines], unit)
    for line, part in zip(lines, of_lines, strict=True):
        paid = line.paid_at(Place.AFTER_TAX)
        by_grants = sum((one.left for one in paid), ZERO)
        by_money = max(ZERO, left[line.position] - by_grants)
        shares = _shares(
            min(part, by_grants + by_money), [*(one.left for one in paid), by_money], unit
        )
        returned += _returned(line, paid, shares)
    over = rest - sum((one.amount for one in returned), ZERO) - received
    return _with_more((*lines, *others), returned, over)


def _shares(amount: Decimal, weights: Sequence[Decimal], unit: Unit) -> tuple[Decimal, ...]:
    if amount == ZERO:
        return tuple(ZERO for _ in weights)
    return unit.share(amount, tuple(weights))


def _returned(line: CoveredLine, paid: Sequence[Paid], shares: Sequence[Decimal]) -> list[Returned]:
    return [
        Returned(grant_id=one.grant_id, position=line.position, amount=share, place=one.place)
        for one, share in zip(paid, shares, strict=False)
        if share > ZERO
    ]


@exactly
def _with_more(
    lines: Sequence[CoveredLine], returned: Sequence[Returned], over: Decimal
) -> tuple[Returned, ...]:
    """So much more goes to the grants of the lines, as far as they have paid."""
    amounts = {(one.position, one.grant_id): one.amount for one in returned}
    made = []
    for line in lines:
        for paid in line.paid_at(Place.AFTER_TAX):
            amount = amounts.get((line.position, paid.grant_id), ZERO)
            more = max(ZERO, min(over, paid.left - amount))
            over -= more
            if amount + more > ZERO:
                made.append(
                    Returned(
                        grant_id=paid.grant_id,
                        position=line.position,
                        amount=amount + more,
                        place=paid.place,
                    )
                )
    return tuple(made)
