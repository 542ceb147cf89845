"""Coupons that a customer has redeemed, for whatever is tried with discounts."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from billing.discounts.coupons import Coupon, Redemption
from billing.discounts.discounting import AvailableCoupons
from billing.identifiers import ChargeId

PLAN = UUID(int=1)
CHARGES = tuple(ChargeId(UUID(int=number)) for number in range(100, 104))


def coupon(code: str = "SPRING", **given: object) -> Coupon:
    value = given if given.keys() & {"percent", "amount"} else {"percent": Decimal(10), **given}
    return Coupon(coupon_id=UUID(int=len(code)), code=code, **value)  # type: ignore[arg-type]  # what a test says by name


def off(amount: str, code: str = "FIVE", **given: object) -> Coupon:
    return coupon(code, amount=Decimal(amount), currency="USD", **given)


def redeemed(*coupons: Coupon, plan_id: UUID | None = PLAN) -> AvailableCoupons:
    return AvailableCoupons(
        redemptions=tuple(
            Redemption(redemption_id=UUID(int=order), coupon=one, order=order)
            for order, one in enumerate(coupons)
        ),
        plan_id=plan_id,
    )
