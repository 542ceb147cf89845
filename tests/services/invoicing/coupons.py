"""Coupons of a life's customer, and what its bills used of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from models.discounts.invoice_coupons import InvoiceCoupon
from models.invoicing.invoices import Invoice
from repositories.discounts import uses
from services.discounts import coupons, redemptions
from services.discounts.coupons import CreateCoupon
from tests.services.lives import Life


def redeem(life: Life, **given: Any) -> UUID:
    """The customer has a coupon."""
    command = CreateCoupon(**({"code": "SPRING"} | given))
    coupon_id = life.shop.do(coupons.create_coupon, command).row.id
    life.shop.do(redemptions.redeem_coupon, life.row().customer_id, command.code)
    return coupon_id


def used(life: Life, invoice: Invoice) -> Sequence[InvoiceCoupon]:
    """The coupons of an invoice as they are stored."""
    key = (life.shop.organization_id, invoice.id)
    with life.shop.transactions.for_organization(life.shop.organization_id) as session:
        return uses.list_invoice_coupons(session, [key])[key]
