"""Redeeming coupons: attaching one to a customer is the redemption, and is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.discounts.coupons import normal_code
from billing.errors import Conflict
from models.base import new_id
from models.customers import Customer
from models.discounts.coupons import Coupon, CouponRedemption
from repositories import customers as stored_customers
from repositories.discounts import coupons as stored_coupons
from repositories.discounts import redemptions as stored_redemptions
from services.audit_log import record
from services.discounts.coupons import require_coupon
from services.required import not_found, require_customer
from services.subscriptions import clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class RedemptionReading:
    """That a customer has, or had, a coupon."""

    row: CouponRedemption
    coupon: Coupon


def redeem_coupon(
    session: Session, organization_id: UUID, customer_id: UUID, code: str, *, now: datetime
) -> RedemptionReading:
    """The customer has the coupon, which counts as one of its redemptions from now on.

    A customer redeems a coupon once, even if it is taken from them later. Everybody who redeems
    one waits for its row, so its limit holds, and the database counts too.
    Raises NotFound ``coupon_not_found``; Conflict ``coupon_expired``, ``coupon_redeemed`` or
    ``coupon_used_up``.
    """
    customer = _get_customer(session, organization_id, customer_id)
    at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    coupon = require_coupon(
        stored_coupons.lock_code(session, organization_id, normal_code(code)), field="code"
    )
    if coupon.expires_at is not None and coupon.expires_at <= at:
        raise Conflict("The coupon's time is over.", code="coupon_expired", field="code")
    if stored_redemptions.find_redemption(session, organization_id, customer_id, coupon.id):
        raise Conflict(
            "The customer has redeemed the coupon.", code="coupon_redeemed", field="code"
        )
    counts = stored_redemptions.count_redemptions(session, organization_id, [coupon.id])
    if counts[coupon.id] >= coupon.redemption_limit:
        raise Conflict(
            "The coupon was redeemed as often as it can be.", code="coupon_used_up", field="code"
        )
    row = _new_row(customer, coupon, number=counts[coupon.id] + 1, at=at, now=now)
    stored_redemptions.insert_redemption(session, row)
    _record(session, row, coupon, "coupon.redeemed", now=now)
    return RedemptionReading(row=row, coupon=coupon)


def list_redemptions(
    session: Session, organization_id: UUID, customer_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[RedemptionReading], int]:
    """A page of the coupons that the customer has or had, oldest first. Raises NotFound."""
    _get_customer(session, organization_id, customer_id)
    rows, total = stored_redemptions.list_redemptions(
        session, organization_id, customer_id, offset=offset, limit=limit
    )
    coupons = stored_redemptions.list_coupons_by_id(
        session, organization_id, {one.coupon_id for one in rows}
    )
    return [RedemptionReading(row=one, coupon=coupons[one.coupon_id]) for one in rows], total


def detach_coupon(
    session: Session, organization_id: UUID, customer_id: UUID, coupon_id: UUID, *, now: datetime
) -> None:
    """No bill that becomes final from now on uses the customer's coupon; it stays redeemed.

    Raises NotFound ``coupon_not_found`` where the customer has no such coupon, also the second
    time.
    """
    customer = _get_customer(session, organization_id, customer_id)
    at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    coupon = stored_coupons.lock_coupon(session, organization_id, coupon_id)
    row = stored_redemptions.find_redemption(session, organization_id, customer_id, coupon_id)
    if coupon is None or row is None or row.ended_at is not None:
        raise not_found("Coupon")
    row.ended_at = max(at, row.attached_at)
    session.add(row)
    session.flush()
    _record(session, row, coupon, "coupon.detached", now=now)


def _new_row(
    customer: Customer, coupon: Coupon, *, number: int, at: datetime, now: datetime
) -> CouponRedemption:
    return CouponRedemption(
        organization_id=customer.organization_id,
        id=new_id(),
        coupon_id=coupon.id,
        customer_id=customer.id,
        number=number,
        redemption_limit=coupon.redemption_limit,
        use_limit=coupon.use_limit,
        attached_at=at,
        created_at=now,
    )


def _get_customer(session: Session, organization_id: UUID, customer_id: UUID) -> Customer:
    return require_customer(stored_customers.find_customer(session, organization_id, customer_id))


def _record(
    session: Session, row: CouponRedemption, coupon: Coupon, action: str, *, now: datetime
) -> None:
    record(
        session,
        row.organization_id,
        action,
        "customer",
        row.customer_id,
        after={"code": coupon.code, "coupon_id": coupon.id},
        now=now,
    )
