"""What coupons take off invoices, as rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlmodel import Session

from billing.discounts.discounting import Discount
from models.discounts.invoice_coupons import InvoiceCoupon, InvoiceCouponLine
from models.invoicing.invoices import Invoice


def write_coupons(session: Session, contents: Iterable[tuple[Invoice, Sequence[Discount]]]) -> None:
    """Store what coupons take off invoices whose lines are stored; none of it is used yet."""
    for invoice, discounts in contents:
        for position, one in enumerate(discounts):
            session.add(_coupon_row(invoice, position, one))
            session.add_all(
                InvoiceCouponLine(
                    organization_id=invoice.organization_id,
                    invoice_id=invoice.id,
                    redemption_id=one.redemption_id,
                    line_position=line.position,
                    amount=line.amount,
                )
                for line in one.lines
            )


def _coupon_row(invoice: Invoice, position: int, one: Discount) -> InvoiceCoupon:
    return InvoiceCoupon(
        organization_id=invoice.organization_id,
        invoice_id=invoice.id,
        redemption_id=one.redemption_id,
        position=position,
        coupon_id=one.coupon_id,
        code=one.code,
        amount=one.amount,
        use_limit=one.use_limit,
    )
