"""The tables of docs/concepts/coupons.md, as the code computes them."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from billing.discounts.coupons import Coupon
from billing.identifiers import ChargeId
from billing.invoicing.invoices import assemble_invoice
from tests.billing.builders import USD
from tests.billing.discounts.redeemed import redeemed
from tests.billing.discounts.test_bills import line
from tests.billing.invoicing.lines import CANADA, rate
from tests.billing.markdown_tables import Row
from tests.billing.rating.worked_examples import listed, number


def check_coupons(row: Row) -> None:
    """Lines with coupons, at 20 % tax."""
    cells = row.cells
    lines = [
        line(str(amount), charge_id=ChargeId(UUID(int=place)))
        for place, amount in enumerate(listed(cells["lines"]), 1)
    ]
    coupons = [as_coupon(place, text) for place, text in enumerate(cells["coupons"].split(", "), 1)]

    totals = assemble_invoice(lines, [rate("20")], CANADA, USD, coupons=redeemed(*coupons))

    assert totals.coupons_total == number(cells["taken off"])
    assert (totals.tax, totals.total) == (number(cells["tax"]), number(cells["total"]))


def as_coupon(place: int, text: str) -> Coupon:
    """``10 %`` or ``5 off``."""
    amount, kind = text.split()
    value = Decimal(amount)
    if kind == "%":
        return Coupon(coupon_id=UUID(int=place), code=f"C{place}", percent=value)
    return Coupon(coupon_id=UUID(int=place), code=f"C{place}", amount=value, currency="USD")
