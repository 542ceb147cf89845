"""What credit pays of a whole bill: of its net amount first, and of what is due with its taxes.

Source: CREDITS 11 and 13.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from billing.credits.cuts import Segment, segments_at
from billing.credits.drawing import (
    DrawableLine,
    Drawing,
    Lot,
    at_most,
    discounted,
    draw,
    with_tax,
)
from billing.credits.grants import Place
from billing.identifiers import ChargeId, MeterId
from billing.money import ZERO, exactly
from billing.units import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """A rounded line of a bill, before any credit and after coupons took off their ``discount``.

    ``line_total`` may be below zero. ``cost_share`` is not in it: what own units had cost that paid
    of the line, which is taxed with it and paid already.
    """

    line_total: Decimal
    is_taxable: bool
    discount: Decimal = ZERO
    cost_share: Decimal = ZERO
    charge_id: ChargeId | None = None
    meter_id: MeterId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """The most that credit of one unit can be asked to pay, and from when to when that was used.

    Once lots that pay for everything, and are alive from ``since`` to ``until``, come to that much,
    no lot pays that ranks behind them.
    """

    amount: Decimal
    since: datetime
    until: datetime
    currency: str | None = None

    def either(self, other: Need) -> Need:
        """What is enough for each of two bills, of which one draws after the other."""
        return Need(
            amount=max(self.amount, other.amount),
            since=min(self.since, other.since),
            until=max(self.until, other.until),
            currency=self.currency,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailableCredit:
    """What of a customer's credit a bill may take, and when it was used.

    ``unit`` is the currency of the bill; ``lots`` are those of it, and of own units that lines are
    priced in. ``segments`` are those of lines by their place in the bill; a line that has none
    there is used at ``final_at``, as its invoice becomes final. ``costs`` are those of own units
    that paid of a line, by when it was used.
    """

    unit: Unit
    lots: tuple[Lot, ...]
    final_at: datetime
    segments: Mapping[int, tuple[Segment, ...]]
    costs: Mapping[int, tuple[Segment, ...]] = field(default_factory=dict)

    def pay_net(self, lines: Sequence[Billed], added_tax: Decimal) -> Drawing:
        """What is paid before taxes: by free credit, and by credit that was taxed as it was sold.

        ``added_tax`` is what would come on top without it. Lines below zero take from those of
        their own kind, taxed or not, first, and a tax below zero from all: nothing that a bill
        gives back by itself is paid, and no tax falls below zero because of credit.
        """
        payable = _payable(self._drawable(lines), lines, min(added_tax, ZERO))
        return draw(payable, self._lots(Place.BEFORE_TAX))

    def pay_gross(self, left: Sequence[DrawableLine], added_tax: Decimal, owed: Decimal) -> Drawing:
        """What is paid of the rest with its taxes, by credit that is taxed as it is used.

        No more than is ``owed`` is paid, where lines below zero take from the tax of paid costs.
        """
        gross = with_tax(left, added_tax, self.unit, self.costs)
        if self.costs:
            gross = at_most(gross, owed)
        return draw(gross, self._lots(Place.AFTER_TAX))

    def _lots(self, place: Place) -> list[Lot]:
        money = (one for one in self.lots if one.grant.unit.is_currency)
        return [one for one in money if one.grant.place is place]

    @exactly
    def _drawable(self, lines: Sequence[Billed]) -> tuple[DrawableLine, ...]:
        """The lines in their segments; what coupons took off, the newest of these give."""
        whole = [
            DrawableLine(
                position=position,
                segments=self.segments.get(
                    position, segments_at(self.final_at, one.line_total + one.discount)
                ),
                charge_id=one.charge_id,
                meter_id=one.meter_id,
                is_taxable=one.is_taxable,
            )
            for position, one in enumerate(lines)
        ]
        return discounted(whole, {at: one.discount for at, one in enumerate(lines)})


@exactly
def _payable(
    drawable: Sequence[DrawableLine], lines: Sequence[Billed], given_back: Decimal
) -> tuple[DrawableLine, ...]:
    found = {one.position: one for one in drawable}
    for is_taxable in (True, False):
        kind = [one for one in found.values() if one.is_taxable is is_taxable]
        come_to = sum((one.line_total for one in lines if one.is_taxable is is_taxable), ZERO)
        found |= {one.position: one for one in at_most(kind, come_to)}
    whole = sum((one.line_total for one in lines), given_back)
    return at_most([found[one.position] for one in drawable], whole)


@exactly
def taken_off(drawing: Drawing, lines: Sequence[Billed]) -> Decimal:
    """How much less of a bill is taxed: what was drawn of its taxable lines."""
    drawn = (one.amount for one in drawing.draws if lines[one.position].is_taxable)
    return sum(drawn, ZERO)
