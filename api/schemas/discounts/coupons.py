"""Coupons on the wire (docs/concepts/coupons.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from api.schemas.common import (
    Count,
    Exact,
    Instant,
    Moment,
    Money,
    NotNegative,
    Price,
    Schema,
    View,
    Words,
    any_case,
)
from billing.discounts.coupons import NO_LIMIT, CouponScope
from services.discounts.coupons import CouponReading, CreateCoupon
from services.discounts.redemptions import RedemptionReading

SomeIds = Annotated[list[UUID], Field(max_length=100)]

ONCE, FOREVER = "once", "forever"


def _read_duration(value: Any) -> int | None:
    """On how many bills; None for all."""
    if value == FOREVER:
        return None
    if value == ONCE:
        return 1
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < NO_LIMIT:
        raise PydanticCustomError(
            "invalid_duration", "Send once, forever, or a number of bills from 1 on."
        )
    return value


DURATION_SHAPE = {
    "anyOf": [
        {"type": "string", "enum": [ONCE, FOREVER]},
        {"type": "integer", "minimum": 1, "maximum": NO_LIMIT - 1},
    ]
}

Duration = Annotated[int | None, BeforeValidator(_read_duration), WithJsonSchema(DURATION_SHAPE)]
ShownDuration = Annotated[int | Literal["once", "forever"], WithJsonSchema(DURATION_SHAPE)]


class CouponCreate(Schema):
    """What is taken off the bills of those who redeem it. Nothing of it changes later."""

    code: Words
    """What people redeem it by: 1 to 64 letters, digits, `-` and `_`, in any case of letters."""
    percent: NotNegative | None = None
    """How many percent are taken off, above 0 and at most 100; this or `amount`."""
    amount: Price | None = None
    """How much is taken off, in major units of `currency`; this or `percent`."""
    currency: Words | None = None
    """The currency of `amount`: bills in another one are left alone."""
    scope: Annotated[CouponScope, any_case(CouponScope)] = CouponScope.INVOICE
    """What it is for: lines of some charges (`lines`), bills of some plans (`plan`), or every bill
    of a period (`invoice`)."""
    plan_ids: SomeIds = Field(default_factory=list)
    """The plans whose bills it is for, with scope `plan`."""
    charge_ids: SomeIds = Field(default_factory=list)
    """The charges whose lines it is for, with scope `lines`."""
    duration: Duration = 1
    """On how many bills of a customer it takes something off: `once`, `forever`, or a number."""
    max_redemptions: Count | None = None
    """How many customers can redeem it; absent for no limit."""
    expires_at: Instant | None = None
    """From when on it cannot be redeemed any more; who has it then keeps it. Absent for never."""

    def command(self) -> CreateCoupon:
        """The command that the body stands for."""
        return self.fill(
            CreateCoupon,
            plan_ids=tuple(self.plan_ids),
            charge_ids=tuple(self.charge_ids),
            use_limit=self.duration,
        )


class CouponRedeem(Schema):
    """Which coupon a customer redeems."""

    code: Words
    """The coupon's code, in any case of letters."""


class CouponView(View, like=(CouponCreate,)):
    """What is taken off the bills of those who redeem it."""

    id: UUID
    code: str
    percent: Exact | None
    """How many percent are taken off; null for one of an amount."""
    amount: Money | None
    """How much is taken off, in major units of `currency`; null for one of a percentage."""
    currency: str | None
    """The currency of `amount`; null for one of a percentage."""
    scope: CouponScope
    plan_ids: list[UUID]
    charge_ids: list[UUID]
    duration: ShownDuration
    max_redemptions: int | None
    """How many customers can redeem it; null for no limit."""
    redemption_count: int
    """How many have redeemed it, those included from whom it was taken again."""
    expires_at: Moment | None
    """From when on it cannot be redeemed any more; null for never."""
    created_at: Moment


class CouponRedemptionView(View):
    """A coupon that a customer has redeemed."""

    id: UUID
    customer_id: UUID
    """Who redeemed it."""
    coupon_id: UUID
    """The coupon."""
    code: str
    """The coupon's code."""
    attached_at: Moment
    """When it was redeemed, in the customer's time."""
    ended_at: Moment | None
    """When it was taken from the customer; null while they have it."""
    created_at: Moment


def view_coupon(reading: CouponReading) -> CouponView:
    """The coupon as the API shows it."""
    row = reading.row
    limit = row.redemption_limit
    return CouponView(
        id=row.id,
        code=row.code,
        percent=row.percent,
        amount=row.amount,
        currency=row.currency,
        scope=CouponScope(row.scope),
        plan_ids=row.plan_ids,
        charge_ids=row.charge_ids,
        duration=_shown_duration(row.use_limit),
        max_redemptions=None if limit == NO_LIMIT else limit,
        redemption_count=reading.redemption_count,
        expires_at=row.expires_at,
        created_at=row.created_at,
    )


def view_redemption(reading: RedemptionReading) -> CouponRedemptionView:
    """The redemption as the API shows it."""
    row = reading.row
    return CouponRedemptionView(
        id=row.id,
        customer_id=row.customer_id,
        coupon_id=row.coupon_id,
        code=reading.coupon.code,
        attached_at=row.attached_at,
        ended_at=row.ended_at,
        created_at=row.created_at,
    )


def _shown_duration(use_limit: int) -> int | Literal["once", "forever"]:
    if use_limit == NO_LIMIT:
        return "forever"
    return "once" if use_limit == 1 else use_limit
