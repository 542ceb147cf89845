"""Which coupons customers have redeemed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from models.discounts.coupons import Coupon, CouponRedemption
from repositories.pages import read_page


def insert_redemption(session: Session, redemption: CouponRedemption) -> None:
    """Store a redemption, which the database counts under the coupon's limit."""
    session.add(redemption)
    session.flush()


def find_redemption(
    session: Session, organization_id: UUID, customer_id: UUID, coupon_id: UUID
) -> CouponRedemption | None:
    """The customer's redemption of a coupon, ended or not, or None."""
    return session.exec(
        select(CouponRedemption).where(
            CouponRedemption.organization_id == organization_id,
            CouponRedemption.customer_id == customer_id,
            CouponRedemption.coupon_id == coupon_id,
        )
    ).one_or_none()


def count_redemptions(
    session: Session, organization_id: UUID, coupon_ids: Collection[UUID]
) -> Mapping[UUID, int]:
    """How often each of these coupons was redeemed, ended redemptions included."""
    rows = session.exec(
        select(CouponRedemption.coupon_id, func.count())
        .where(
            CouponRedemption.organization_id == organization_id,
            col(CouponRedemption.coupon_id).in_(coupon_ids),
        )
        .group_by(col(CouponRedemption.coupon_id))
    )
    return dict.fromkeys(coupon_ids, 0) | dict(rows.all())


def list_redemptions(
    session: Session, organization_id: UUID, customer_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[CouponRedemption], int]:
    """A page of what the customer has redeemed, oldest first, and how many there are."""
    matching = select(CouponRedemption).where(
        CouponRedemption.organization_id == organization_id,
        CouponRedemption.customer_id == customer_id,
    )
    return read_page(session, matching, offset=offset, limit=limit)


def list_coupons_by_id(
    session: Session, organization_id: UUID, coupon_ids: Collection[UUID]
) -> Mapping[UUID, Coupon]:
    """These coupons by their ids."""
    rows = session.exec(
        select(Coupon).where(
            Coupon.organization_id == organization_id, col(Coupon.id).in_(coupon_ids)
        )
    )
    return {row.id: row for row in rows}
