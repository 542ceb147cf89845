"""Drawing: which grant pays how much of which line of a bill.

Nothing is stored here, and nothing is held: a draft's draws are computed again when it becomes
final. Source: CREDITS 9 to 13.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Final
from uuid import UUID

from billing.credits.cuts import Segment, reduce
from billing.credits.expiry import CostBasis, cost_of_rest
from billing.credits.grants import Grant, Place, in_order
from billing.identifiers import ChargeId, MeterId
from billing.money import ZERO, exactly, find_currency
from billing.units import Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawableLine:
    """What of a line can be paid by credit: its parts after discounts, in the order of use.

    ``position`` names the line in its invoice. Units: amounts in ``unit``, the own unit that the
    line is priced in; where that is None, in the currency of the invoice.
    """

    position: int
    segments: tuple[Segment, ...]
    charge_id: ChargeId | None = None
    meter_id: MeterId | None = None
    is_taxable: bool = True
    unit: str | None = None

    @property
    @exactly
    def amount(self) -> Decimal:
        """What can be paid of it in all."""
        return sum((one.amount for one in self.segments), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """A grant with what is left of it and can be drawn.

    ``cost`` is there of a grant in an own unit that was sold and is taxed as it is used.
    """

    grant: Grant
    rest: Decimal
    cost: CostBasis | None = None

    def pays_in(self, currency: str) -> bool:
        """Whether it may pay bills in the currency: what it cost is no money in another one."""
        return self.cost is None or self.cost.currency == currency


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """How much of a line one grant pays, in the grant's unit, and where in the bill.

    ``unit`` is the grant's where that is no currency: it pays before anything becomes money.
    ``cost`` is what that much of it was sold for, where that is taxed as it is used.
    """

    grant_id: UUID
    position: int
    amount: Decimal
    place: Place
    unit: str | None = None
    cost: Decimal = ZERO

    @property
    def money(self) -> Decimal:
        """How much of what the bill comes to that is, in its currency."""
        return self.amount if self.unit is None else self.cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """The draws of a bill, and its lines as they are left to be paid another way.

    ``asked`` are the lines as they were before, and ``lots`` what could pay them.
    """

    draws: tuple[Draw, ...]
    left: tuple[DrawableLine, ...]
    asked: tuple[DrawableLine, ...] = ()
    lots: tuple[Lot, ...] = ()

    @property
    @exactly
    def amount(self) -> Decimal:
        """What the grants pay in all."""
        return sum((one.amount for one in self.draws), ZERO)


NOTHING_DRAWN: Final = Drawing(draws=(), left=())


@exactly
def draw(lines: Sequence[DrawableLine], lots: Iterable[Lot]) -> Drawing:
    """Let grants pay lines, in the order of the lines, each by the grants in their order.

    A grant pays only what was used while it was alive and what it applies to, never more than is
    left of it. Worked example: of a line of 10 that was used before an expiry and 5 after it, a
    grant of 12 that expires pays 10, and one that never does the 5.
    """
    lots = tuple(lots)
    rests = {one.grant.grant_id: one.rest for one in lots if one.rest > ZERO}
    by_id = {one.grant.grant_id: one.grant for one in lots}
    ranked = in_order(by_id[grant_id] for grant_id in rests)
    draws: list[Draw] = []
    left = []
    for line in lines:
        allowed = [one for one in ranked if _may_pay(one, line)]
        taken: dict[UUID, Decimal] = {}
        segments = [_draw_segment(one, allowed, rests, taken) for one in line.segments]
        draws += [
            Draw(
                grant_id=grant_id,
                position=line.position,
                amount=amount,
                place=by_id[grant_id].place,
                unit=line.unit,
            )
            for grant_id, amount in taken.items()
        ]
        left.append(replace(line, segments=tuple(one for one in segments if one.amount > ZERO)))
        ranked = [one for one in ranked if rests[one.grant_id] > ZERO]
    return Drawing(draws=tuple(draws), left=tuple(left), asked=tuple(lines), lots=lots)


@exactly
def share_costs(draws: Sequence[Draw], lots: Iterable[Lot]) -> tuple[Draw, ...]:
    """Draws of own units, each with its share of what its grant was sold for.

    A share is what of the cost no document has said, less what the grant's rest costs after the
    draw: so the shares of a grant come to its cost, to the cent, and the last one takes the
    remainder; what returns left over or short goes into the next. None is below zero. Source:
    CREDITS 18. Worked example: of 3 tokens for 10.00, three draws of one cost 3.33, 3.34
    and 3.33.
    """
    found = {one.grant.grant_id: one for one in lots}
    left = {key: one.cost.left for key, one in found.items() if one.cost is not None}
    rests = {key: one.rest + one.cost.held for key, one in found.items() if one.cost is not None}
    shared = []
    for one in draws:
        lot = found[one.grant_id]
        share = ZERO
        if lot.cost is not None:
            rests[one.grant_id] -= one.amount
            after = cost_of_rest(
                lot.cost.amount,
                rests[one.grant_id],
                granted=lot.grant.amount,
                places=find_currency(lot.cost.currency).exponent,
            )
            share = max(ZERO, left[one.grant_id] - after)
            left[one.grant_id] -= share
        shared.append(replace(one, cost=share))
    return tuple(shared)


def _may_pay(grant: Grant, line: DrawableLine) -> bool:
    if line.unit is None or line.unit == grant.unit.code:
        return grant.applies_to.covers(line.charge_id, line.meter_id)
    return False


def _draw_segment(
    segment: Segment,
    ranked: Sequence[Grant],
    rests: dict[UUID, Decimal],
    taken: dict[UUID, Decimal],
) -> Segment:
    """What is left of the segment, once each grant that was alive then has paid what it can."""
    due = segment.amount
    for grant in ranked:
        if due == ZERO:
            break
        amount = min(due, rests[grant.grant_id])
        if amount == ZERO or not segment.may_be_paid_by(grant):
            continue
        rests[grant.grant_id] -= amount
        taken[grant.grant_id] = taken.get(grant.grant_id, ZERO) + amount
        due -= amount
    return replace(segment, amount=due)


@exactly
def discounted(
    lines: Sequence[DrawableLine], discounts: Mapping[int, Decimal]
) -> tuple[DrawableLine, ...]:
    """The lines less what coupons take off each, by its position."""
    return tuple(
        replace(one, segments=reduce(one.segments, discounts.get(one.position, ZERO)))
        for one in lines
    )


@exactly
def at_most(lines: Sequence[DrawableLine], amount: Decimal) -> tuple[DrawableLine, ...]:
    """The lines with no more in all than that; the last ones give back first.

    A bill can have lines below zero: what they take off is not to be paid by credit.
    """
    over = sum((one.amount for one in lines), ZERO) - max(amount, ZERO)
    left = []
    for line in reversed(lines):
        back = max(ZERO, min(over, line.amount))
        over -= back
        left.append(replace(line, segments=reduce(line.segments, back)))
    return tuple(reversed(left))


@exactly
def with_tax(
    lines: Sequence[DrawableLine],
    tax: Decimal,
    unit: Unit,
    costs: Mapping[int, Sequence[Segment]] = MappingProxyType({}),
) -> tuple[DrawableLine, ...]:
    """The lines with the tax that comes on top of the bill, as paid credit pays them.

    The tax is spread over what is left of the taxable lines, and of each line over its segments,
    by largest remainder, so that nothing of it is lost. What own units cost that paid of a line is
    taxed with it: those ``costs``, by position, are paid, and their tax is not. Source: rule 13.
    """
    weights = tuple(
        _sum_of((*one.segments, *costs.get(one.position, ()))) if one.is_taxable else ZERO
        for one in lines
    )
    if tax <= ZERO or not any(weights):
        return tuple(lines)
    shares = unit.share(tax, weights)
    return tuple(
        _taxed(line, costs.get(line.position, ()), share, unit)
        for line, share in zip(lines, shares, strict=True)
    )


def _taxed(line: DrawableLine, costs: Sequence[Segment], tax: Decimal, unit: Unit) -> DrawableLine:
    if tax == ZERO:
        return line
    parts = (*line.segments, *(replace(one, amount=ZERO) for one in costs))
    shares = unit.share(tax, tuple(one.amount for one in (*line.segments, *costs)))
    made = [
        replace(one, amount=one.amount + share) for one, share in zip(parts, shares, strict=True)
    ]
    in_order_of_use = sorted(made, key=lambda one: one.used_at)
    return replace(line, segments=tuple(one for one in in_order_of_use if one.amount > ZERO))


def _sum_of(segments: Iterable[Segment]) -> Decimal:
    return sum((one.amount for one in segments), ZERO)
