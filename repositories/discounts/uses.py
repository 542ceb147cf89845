"""Coupons on invoices: what may be used, and the numbers of what was."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, text
from sqlmodel import Session, col, select

from models.discounts.coupons import Coupon, CouponRedemption
from models.discounts.invoice_coupons import InvoiceCoupon, InvoiceCouponLine
from repositories.row_keys import among

CustomerKey = tuple[UUID, UUID]
"""Organization and customer."""

InvoiceKey = tuple[UUID, UUID]

# The first number that no use has: 1, or one more than some use, whichever is free and least.
NUMBER = text(
    """
    UPDATE invoice_coupon AS used
    SET use_number = (
        SELECT min(candidate.number)
        FROM (
            SELECT 1 AS number
            UNION ALL
            SELECT other.use_number + 1 FROM invoice_coupon AS other
            WHERE other.organization_id = used.organization_id
                AND other.redemption_id = used.redemption_id AND other.use_number IS NOT NULL
        ) AS candidate
        WHERE NOT EXISTS (
            SELECT FROM invoice_coupon AS taken
            WHERE taken.organization_id = used.organization_id
                AND taken.redemption_id = used.redemption_id
                AND taken.use_number = candidate.number
        )
    )
    WHERE used.organization_id = :organization_id AND used.invoice_id = :invoice_id
        AND used.use_number IS NULL
    """
)

FREE = text(
    """
    UPDATE invoice_coupon SET use_number = NULL
    WHERE organization_id = :organization_id AND invoice_id = :invoice_id
    """
)


def list_usable(
    session: Session, customers: Collection[CustomerKey], *, lock: bool
) -> list[tuple[CouponRedemption, Coupon]]:
    """What customers have and did not use as often as they may, in the order of redeeming.

    With ``lock`` all that they have is locked before uses are counted.
    """
    columns = (col(CouponRedemption.organization_id), col(CouponRedemption.customer_id))
    live = (among(customers, *columns), col(CouponRedemption.ended_at).is_(None))
    if lock:
        session.exec(
            select(CouponRedemption.id)
            .where(*live)
            .order_by(col(CouponRedemption.organization_id), col(CouponRedemption.id))
            .with_for_update()
        ).all()
    used = (
        select(func.count())
        .select_from(InvoiceCoupon)
        .where(
            InvoiceCoupon.organization_id == CouponRedemption.organization_id,
            InvoiceCoupon.redemption_id == CouponRedemption.id,
            col(InvoiceCoupon.use_number).is_not(None),
        )
        .scalar_subquery()
    )
    rows = session.exec(
        select(CouponRedemption, Coupon)
        .join(
            Coupon,
            (col(Coupon.organization_id) == col(CouponRedemption.organization_id))
            & (col(Coupon.id) == col(CouponRedemption.coupon_id)),
        )
        .where(*live, used < col(CouponRedemption.use_limit))
        .order_by(col(CouponRedemption.created_at), col(CouponRedemption.id))
        .execution_options(populate_existing=True)
    )
    return [(redemption, coupon) for redemption, coupon in rows]


def number_uses(session: Session, organization_id: UUID, invoice_id: UUID) -> None:
    """Each coupon of an invoice is a use of it, under its limit: ``ck_invoice_coupon_use_number``.

    The caller holds the redemptions.
    """
    session.execute(NUMBER, {"organization_id": organization_id, "invoice_id": invoice_id})


def free_uses(session: Session, organization_id: UUID, invoice_id: UUID) -> None:
    """The coupons of an invoice are no uses any more."""
    session.execute(FREE, {"organization_id": organization_id, "invoice_id": invoice_id})


def list_invoice_coupons(
    session: Session, keys: Collection[InvoiceKey]
) -> dict[InvoiceKey, list[InvoiceCoupon]]:
    """The coupons of each of some invoices, in their order; none asks nothing."""
    found: dict[InvoiceKey, list[InvoiceCoupon]] = {key: [] for key in keys}
    if not found:
        return found
    columns = (col(InvoiceCoupon.organization_id), col(InvoiceCoupon.invoice_id))
    for row in session.exec(
        select(InvoiceCoupon).where(among(keys, *columns)).order_by(col(InvoiceCoupon.position))
    ):
        found[row.organization_id, row.invoice_id].append(row)
    return found


def list_coupon_lines(
    session: Session, keys: Collection[InvoiceKey]
) -> dict[InvoiceKey, list[InvoiceCouponLine]]:
    """What coupons take off the lines of each of some invoices; none asks nothing."""
    found: dict[InvoiceKey, list[InvoiceCouponLine]] = {key: [] for key in keys}
    if not found:
        return found
    columns = (col(InvoiceCouponLine.organization_id), col(InvoiceCouponLine.invoice_id))
    for row in session.exec(
        select(InvoiceCouponLine)
        .where(among(keys, *columns))
        .order_by(col(InvoiceCouponLine.line_position))
    ):
        found[row.organization_id, row.invoice_id].append(row)
    return found


def sum_by_line(session: Session, organization_id: UUID, invoice_id: UUID) -> Mapping[int, Decimal]:
    """What coupons take off each line of an invoice, by its position; others are left out."""
    rows = session.exec(
        select(InvoiceCouponLine.line_position, func.sum(InvoiceCouponLine.amount))
        .where(
            InvoiceCouponLine.organization_id == organization_id,
            InvoiceCouponLine.invoice_id == invoice_id,
        )
        .group_by(col(InvoiceCouponLine.line_position))
    )
    return dict(rows.all())
