"""What coupons take off an invoice, on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from api.schemas.common import Money, View
from billing.discounts.discounting import Discount
from models.discounts.invoice_coupons import InvoiceCoupon, InvoiceCouponLine
from models.invoicing.invoices import InvoiceLine


class InvoiceCouponLineView(View):
    """What a coupon takes off a line."""

    line_id: UUID | None
    """The line; null in a preview, whose lines have no ids."""
    amount: Money
    """How much is taken off the line, in the invoice's currency."""


class InvoiceCouponView(View):
    """What a coupon takes off an invoice."""

    coupon_id: UUID
    """The coupon."""
    code: str
    """The coupon's code."""
    amount: Money
    """How much it takes off in all, in the invoice's currency."""
    lines: list[InvoiceCouponLineView]
    """How that is spread over the lines."""


def view_invoice_coupons(
    coupons: Sequence[InvoiceCoupon],
    shares: Sequence[InvoiceCouponLine],
    lines: Sequence[InvoiceLine],
) -> list[InvoiceCouponView]:
    """The coupons of an invoice as the API shows them, in the order in which they took off."""
    return [
        InvoiceCouponView(
            coupon_id=one.coupon_id,
            code=one.code,
            amount=one.amount,
            lines=[
                InvoiceCouponLineView(line_id=lines[share.line_position].id, amount=share.amount)
                for share in shares
                if share.redemption_id == one.redemption_id
            ],
        )
        for one in coupons
    ]


def view_discounts(discounts: Sequence[Discount]) -> list[InvoiceCouponView]:
    """The coupons that an invoice would use."""
    return [
        InvoiceCouponView(
            coupon_id=one.coupon_id,
            code=one.code,
            amount=one.amount,
            lines=[InvoiceCouponLineView(line_id=None, amount=share.amount) for share in one.lines],
        )
        for one in discounts
    ]
