"""Lines and lots in tokens that are taxed as they are used, and the bills of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from billing.credits.bills import AvailableCredit
from billing.credits.cuts import Segment
from billing.credits.drawing import Lot
from billing.credits.evidence import draw_again
from billing.credits.expiry import CostBasis
from billing.credits.grants import GrantKind
from billing.discounts.coupons import Coupon, Redemption
from billing.discounts.discounting import AvailableCoupons
from billing.invoicing.invoices import InvoiceTotals, assemble_invoice
from billing.invoicing.taxes import TaxRate
from billing.rating.lines import PricedLine
from billing.units import Unit
from tests.billing.builders import USD
from tests.billing.credits.lots import CHARGES, DOLLARS, START, grant
from tests.billing.invoicing.lines import CANADA, line

TOKENS = Unit(code="TOKENS", scale=1)
HALF = AvailableCoupons(
    redemptions=(
        Redemption(
            redemption_id=UUID(int=1),
            coupon=Coupon(coupon_id=UUID(int=2), code="HALF", percent=Decimal(50)),
            order=1,
        ),
    )
)


def priced(amount: str, overage_rate: str | None = "0.02") -> PricedLine:
    """A line of so many tokens; what no credit pays is due at that many dollars each."""
    each = None if overage_rate is None else Decimal(overage_rate)
    return replace(line(amount), priced_in=TOKENS, overage_rate=each, charge_id=CHARGES[0])


def sold(amount: str, cost: str, *, currency: str = "USD", **terms: Any) -> Lot:
    """Tokens of which nothing was spent."""
    one = grant(unit=TOKENS, amount=Decimal(amount), kind=GrantKind.PAID, **terms)
    basis = CostBasis(amount=Decimal(cost), currency=currency, left=Decimal(cost))
    return Lot(grant=one, rest=one.amount, cost=basis)


def free(amount: str, unit: Unit = TOKENS, **terms: Any) -> Lot:
    """Credit without a cost of which nothing was spent."""
    one = grant(unit=unit, amount=Decimal(amount), **terms)
    return Lot(grant=one, rest=one.amount)


def bill(
    lines: Sequence[PricedLine],
    *lots: Lot,
    taxes: Sequence[TaxRate] = (),
    segments: dict[int, tuple[Segment, ...]] | None = None,
    coupons: AvailableCoupons | None = None,
) -> InvoiceTotals:
    """The bill of the lines, whose draws come out again of their evidence."""
    credit = AvailableCredit(unit=DOLLARS, lots=lots, final_at=START, segments=segments or {})
    found = assemble_invoice(lines, taxes, CANADA, USD, credit=credit, coupons=coupons)
    if found.drawing is not None:
        assert draw_again(found.drawing) == found.draws
    return found
