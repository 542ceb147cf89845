"""Discounting: what the coupons of a customer take off which line of a bill.

Nothing is stored here. A draft's discounts are computed again when it becomes final.
Source: CREDITS 13 and 23.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from billing.discounts.coupons import Coupon, CouponScope, Redemption, in_order
from billing.identifiers import ChargeId
from billing.money import ZERO, Currency, allocate, exactly, round_half_away

_PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True)
class Discountable:
    """A rounded line of a bill, in whole minor units; it may be below zero.

    One without ``charge_id`` is not the period's own, such as late usage, and no coupon is for it.
    """

    line_total: Decimal
    charge_id: ChargeId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineDiscount:
    """How much is taken off one line, named by its position in the invoice."""

    position: int
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """What one coupon takes off a bill, in whole minor units: the sum of what it takes of lines."""

    redemption_id: UUID
    coupon_id: UUID
    code: str
    amount: Decimal
    use_limit: int
    lines: tuple[LineDiscount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailableCoupons:
    """The coupons that a bill may use, and the plan whose bill it is."""

    redemptions: tuple[Redemption, ...]
    plan_id: UUID | None = None


@exactly
def discount(
    lines: Sequence[Discountable], available: AvailableCoupons | None, currency: Currency
) -> tuple[Discount, ...]:
    """Let coupons take off a bill, each of what those before it left of its lines.

    A coupon of an amount takes no more than its lines come to, one of a percentage that part of
    them, rounded once. Lines below zero lower what its lines come to. What it takes off is spread
    over its lines above zero, in proportion to what is left of each, by largest remainder; so no
    line falls below zero by it. A coupon that takes nothing off is left out.
    Worked example: 10 % of 33.33 and 66.67 is 10.00, 3.33 and 6.67 of them; then 5.00 of the bill
    is spread over 30.00 and 60.00, 1.67 and 3.33.
    """
    if available is None:
        return ()
    left = [one.line_total for one in lines]
    discounts = []
    for redemption in in_order(available.redemptions):
        coupon = redemption.coupon
        places = _places(coupon, lines, available.plan_id)
        weights = tuple(max(left[place], ZERO) for place in places)
        base = sum((left[place] for place in places), ZERO)
        amount = _amount(coupon, base, currency)
        if amount == ZERO:
            continue
        shares = zip(places, allocate(amount, weights, currency), strict=True)
        taken = tuple(LineDiscount(position=at, amount=share) for at, share in shares if share)
        for one in taken:
            left[one.position] -= one.amount
        discounts.append(
            Discount(
                redemption_id=redemption.redemption_id,
                coupon_id=coupon.coupon_id,
                code=coupon.code,
                amount=amount,
                use_limit=coupon.use_limit,
                lines=taken,
            )
        )
    return tuple(discounts)


@exactly
def off_by_line(discounts: Iterable[Discount]) -> Mapping[int, Decimal]:
    """What all coupons together take off each line, by its position; others are left out."""
    taken: dict[int, Decimal] = {}
    for one in discounts:
        for line in one.lines:
            taken[line.position] = taken.get(line.position, ZERO) + line.amount
    return taken


@exactly
def total_of(discounts: Iterable[Discount]) -> Decimal:
    """What coupons take off in all."""
    return sum((one.amount for one in discounts), ZERO)


def _places(coupon: Coupon, lines: Sequence[Discountable], plan_id: UUID | None) -> list[int]:
    """Where the lines stand that the coupon is for."""
    if coupon.scope is CouponScope.PLAN and plan_id not in coupon.plan_ids:
        return []
    return [
        place
        for place, line in enumerate(lines)
        if line.charge_id is not None
        and (coupon.scope is not CouponScope.LINES or line.charge_id in coupon.charge_ids)
    ]


def _amount(coupon: Coupon, base: Decimal, currency: Currency) -> Decimal:
    """What it takes off lines that come to ``base``."""
    if base <= ZERO:
        return ZERO
    if coupon.percent is not None:
        return round_half_away(base * coupon.percent, currency.exponent, divisor=_PERCENT)
    if coupon.amount is None or coupon.currency != currency.code:
        return ZERO
    return min(coupon.amount, base)
