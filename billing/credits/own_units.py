"""What credit in own units pays of the lines that are priced in them, before these become money.

What it leaves of a line is due in money at the line's overage rate, or not at all. From there on
the line is one of money: coupons, credit in the currency and taxes are of that. Units that were
sold and are taxed as they are used add what they had cost to what is taxed, and pay just that.
Source: CREDITS 11, 13 and 14.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from billing.credits.bills import AvailableCredit
from billing.credits.cuts import Segment, segments_at
from billing.credits.drawing import (
    NOTHING_DRAWN,
    Draw,
    DrawableLine,
    Drawing,
    Lot,
    at_most,
    draw,
    share_costs,
)
from billing.credits.grants import Place
from billing.money import ZERO, exactly
from billing.rating.lines import PricedLine
from billing.units import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidInUnits:
    """A bill's lines, which know what was paid of them in their own units, and what paid it.

    Units that are free, or were taxed as they were sold, are in ``drawing``; those that are taxed
    as they are used pay what these leave, ``at_use``. ``credit`` is what may pay of the money that
    they come to now.
    """

    lines: tuple[PricedLine, ...]
    drawing: Drawing = NOTHING_DRAWN
    at_use: Drawing = NOTHING_DRAWN
    credit: AvailableCredit | None = None

    @property
    def draws(self) -> tuple[Draw, ...]:
        """What paid of them, those first that pay first."""
        return (*self.drawing.draws, *self.at_use.draws)

    @property
    @exactly
    def cost(self) -> Decimal:
        """What those had cost that are taxed as they are used: it is taxed, and owed no more."""
        return sum((one.cost for one in self.at_use.draws), ZERO)


@exactly
def pay_in_units(lines: Sequence[PricedLine], credit: AvailableCredit | None) -> PaidInUnits:
    """Let credit pay of the lines that are priced in own units.

    Worked example: of a line of 120.5 tokens a grant of 100 pays 100, and 20.5 are left to become
    money. If the 100 were sold for 1.00 and are taxed as they are used, the line has a cost share
    of 1.00.
    """
    own = {at: one for at, one in enumerate(lines) if one.priced_in is not None}
    if credit is None or not own:
        return PaidInUnits(lines=tuple(lines), credit=credit)
    drawing = draw(_payable(own, credit), _lots(credit, Place.BEFORE_TAX))
    at_use = _draw_at_use(drawing.left, _lots(credit, Place.AFTER_TAX))
    paid, cost = dict.fromkeys(own, ZERO), dict.fromkeys(own, ZERO)
    for one in (*drawing.draws, *at_use.draws):
        paid[one.position] += one.amount
        cost[one.position] += one.cost
    known = [
        replace(one, paid_in_unit=paid[at], cost_share=cost[at]) if at in paid else one
        for at, one in enumerate(lines)
    ]
    left = {one.position: one.segments for one in (*drawing.left, *at_use.left)}
    money = {at: _in_money(known[at], left.get(at, ()), credit) for at in own}
    return PaidInUnits(
        lines=tuple(known),
        drawing=drawing,
        at_use=at_use,
        credit=replace(
            credit,
            segments={**credit.segments, **money},
            costs=_costs_by_use(at_use, cost, credit.unit),
        ),
    )


def _lots(credit: AvailableCredit, place: Place) -> list[Lot]:
    """The lots in own units that pay there; of costs only those in the currency of the bill."""
    return [
        one
        for one in credit.lots
        if not one.grant.unit.is_currency
        and one.grant.place is place
        and one.pays_in(credit.unit.code)
    ]


def _draw_at_use(lines: Sequence[DrawableLine], lots: Sequence[Lot]) -> Drawing:
    if not lots:
        return NOTHING_DRAWN
    drawing = draw(lines, lots)
    return replace(drawing, draws=share_costs(drawing.draws, lots))


@exactly
def _costs_by_use(
    at_use: Drawing, cost: Mapping[int, Decimal], unit: Unit
) -> dict[int, tuple[Segment, ...]]:
    """What each line's units had cost, over the segments that they paid, by largest remainder."""
    found = {}
    for asked, left in zip(at_use.asked, at_use.left, strict=True):
        if cost[asked.position] == ZERO:
            continue
        rests = {(one.used_at, one.until): one.amount for one in left.segments}
        weights = tuple(
            one.amount - rests.get((one.used_at, one.until), ZERO) for one in asked.segments
        )
        shares = unit.share(cost[asked.position], weights)
        found[asked.position] = tuple(
            replace(one, amount=share)
            for one, share in zip(asked.segments, shares, strict=True)
            if share > ZERO
        )
    return found


def _payable(own: Mapping[int, PricedLine], credit: AvailableCredit) -> list[DrawableLine]:
    """The lines in their segments, in their order; those below zero take from others of the unit.

    So nothing that a bill takes back by itself is paid by credit.
    """
    drawable = {
        at: DrawableLine(
            position=at,
            segments=credit.segments.get(at, segments_at(credit.final_at, line.amount)),
            charge_id=line.only_charge_id,
            meter_id=line.only_meter_id,
            is_taxable=line.is_taxable,
            unit=line.amount_unit.code,
        )
        for at, line in own.items()
    }
    for code in {one.amount_unit.code for one in own.values()}:
        of_unit = [at for at, one in own.items() if one.amount_unit.code == code]
        whole = sum((own[at].amount for at in of_unit), ZERO)
        drawable |= {one.position: one for one in at_most([drawable[at] for at in of_unit], whole)}
    return [drawable[at] for at in own]


def _in_money(
    line: PricedLine, left: Sequence[Segment], credit: AvailableCredit
) -> tuple[Segment, ...]:
    """What is due of a line, in the parts that credit in its unit left, by largest remainder."""
    weights = tuple(one.amount for one in left)
    if line.rest_money <= ZERO or not any(weights):
        return segments_at(credit.final_at, line.rest_money)
    shares = credit.unit.share(line.rest_money, weights)
    return tuple(
        replace(one, amount=share) for one, share in zip(left, shares, strict=True) if share > ZERO
    )
