"""Coupons: found, listed, and locked while their redemptions are counted."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlmodel import Session, col, select

from models.discounts.coupons import Coupon
from repositories.pages import read_page

KNOWN = text(
    """
    SELECT id FROM plan WHERE organization_id = :organization_id AND id = ANY (:plans)
    UNION ALL
    SELECT id FROM charge WHERE organization_id = :organization_id AND id = ANY (:charges)
    UNION ALL
    SELECT id FROM subscription_add_on
    WHERE organization_id = :organization_id AND id = ANY (:charges)
    """
)


def insert_coupon(session: Session, coupon: Coupon) -> None:
    """Store a coupon. Its code is unique: ``uq_coupon_code``."""
    session.add(coupon)
    session.flush()


def find_coupon(session: Session, organization_id: UUID, coupon_id: UUID) -> Coupon | None:
    """The coupon, withdrawn or not, or None."""
    return session.get(Coupon, (organization_id, coupon_id))


def lock_coupon(session: Session, organization_id: UUID, coupon_id: UUID) -> Coupon | None:
    """The coupon with its row locked, or None."""
    return session.exec(
        select(Coupon)
        .where(Coupon.organization_id == organization_id, Coupon.id == coupon_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def lock_code(session: Session, organization_id: UUID, code: str) -> Coupon | None:
    """The coupon of that code with its row locked, or None."""
    return session.exec(
        select(Coupon)
        .where(Coupon.organization_id == organization_id, Coupon.code == code)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def list_coupons(
    session: Session, organization_id: UUID, *, offset: int, limit: int
) -> tuple[Sequence[Coupon], int]:
    """A page of the coupons that are not withdrawn, oldest first, and how many there are."""
    matching = select(Coupon).where(
        Coupon.organization_id == organization_id, col(Coupon.withdrawn_at).is_(None)
    )
    return read_page(session, matching, offset=offset, limit=limit)


def find_known(
    session: Session, organization_id: UUID, plans: Collection[UUID], charges: Collection[UUID]
) -> frozenset[UUID]:
    """Those of the plans and charges that there are, deleted ones too."""
    keys = {"organization_id": organization_id, "plans": list(plans), "charges": list(charges)}
    return frozenset(session.execute(KNOWN, keys).scalars())
