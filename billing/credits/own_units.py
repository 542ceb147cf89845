"""What credit in own units pays of the lines that are priced in them, before these become money.

What it leaves of a line is due in money at the line's overage rate, or not at all. From there on
the line is one of money: coupons, credit in the currency and taxes are of that.
Source: CREDITS 11, 13 and 14.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from billing.credits.bills import AvailableCredit
from billing.credits.cuts import Segment, segments_at
from billing.credits.drawing import NOTHING_DRAWN, DrawableLine, Drawing, at_most, draw
from billing.money import ZERO, exactly
from billing.rating.lines import PricedLine


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidInUnits:
    """A bill's lines, which know what was paid of them in their own units, and what paid it.

    ``credit`` is what may pay of the money that they come to now.
    """

    lines: tuple[PricedLine, ...]
    drawing: Drawing = NOTHING_DRAWN
    credit: AvailableCredit | None = None


@exactly
def pay_in_units(lines: Sequence[PricedLine], credit: AvailableCredit | None) -> PaidInUnits:
    """Let credit pay of the lines that are priced in own units.

    Worked example: of a line of 120.5 tokens a grant of 100 pays 100, and 20.5 are left to become
    money.
    """
    own = {at: one for at, one in enumerate(lines) if one.priced_in is not None}
    if credit is None or not own:
        return PaidInUnits(lines=tuple(lines), credit=credit)
    drawing = draw(
        _payable(own, credit), [one for one in credit.lots if not one.grant.unit.is_currency]
    )
    paid = dict.fromkeys(own, ZERO)
    for one in drawing.draws:
        paid[one.position] += one.amount
    known = [
        replace(one, paid_in_unit=paid[at]) if at in paid else one for at, one in enumerate(lines)
    ]
    left = {one.position: one.segments for one in drawing.left}
    money = {at: _in_money(known[at], left.get(at, ()), credit) for at in own}
    return PaidInUnits(
        lines=tuple(known),
        drawing=drawing,
        credit=replace(credit, segments={**credit.segments, **money}),
    )


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
    if line.money <= ZERO or not any(weights):
        return segments_at(credit.final_at, line.money)
    shares = credit.unit.share(line.money, weights)
    return tuple(
        replace(one, amount=share) for one, share in zip(left, shares, strict=True) if share > ZERO
    )
