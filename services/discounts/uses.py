"""Which coupons a bill may use, and which it used: a final bill is a use, a void one is none.

What each takes off is decided by :mod:`billing.discounts.discounting`, as the bill is put together.
Source: CREDITS 23.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlmodel import Session

from billing.discounts.coupons import Redemption
from models.invoicing.invoices import Invoice
from repositories.discounts import uses as stored_uses
from repositories.discounts.uses import CustomerKey
from services.discounts.coupons import to_coupon


def find_coupons(
    session: Session, customers: Collection[CustomerKey], *, is_final: bool
) -> Mapping[CustomerKey, Sequence[Redemption]]:
    """What these customers have and did not use up, in the order in which they redeemed it.

    Bills that become final hold the redemptions until their uses are counted; others only look.
    """
    if not customers:
        return {}
    found: dict[CustomerKey, list[Redemption]] = {}
    for row, coupon in stored_uses.list_usable(session, customers, lock=is_final):
        its = found.setdefault((row.organization_id, row.customer_id), [])
        value = to_coupon(coupon)
        its.append(Redemption(redemption_id=row.id, coupon=value, order=len(its)))
    return found


def count_uses(session: Session, invoices: Sequence[Invoice]) -> None:
    """Each coupon of these final invoices is used once more, with the first number that is free.

    The database refuses one above the coupon's limit. Idempotent by invoice and coupon.
    """
    for one in invoices:
        if one.coupons_total:
            stored_uses.number_uses(session, one.organization_id, one.id)


def give_back_uses(session: Session, invoice: Invoice) -> None:
    """The invoice is void, and uses no coupon: another bill may. Idempotent."""
    if invoice.coupons_total:
        stored_uses.free_uses(session, invoice.organization_id, invoice.id)
