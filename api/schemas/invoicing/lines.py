"""Lines of invoices and their taxes, on the wire (CONTRACT 2.12 and section 6)."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api.schemas.common import Exact, Moment, Money, Quantity, View
from api.schemas.described import ShownAs
from billing.invoicing.invoices import InvoiceLine as BilledLine
from billing.invoicing.taxes import TaxAmount
from billing.money import plain_text
from billing.rating.lines import LineType
from billing.ratios import as_decimal
from models.invoicing.invoices import InvoiceLine
from services.documents.contents import shown_line_of


class LineTierView(View):
    """The part of a quantity that fell into one tier. Amounts are not rounded."""

    starts_from: Quantity = Field(alias="from")
    """The quantity that the tier begins above."""
    up_to: Quantity | None
    """The last quantity of the tier, itself included; null in the last tier, which has no end."""
    quantity: Quantity
    """How much of the quantity fell into the tier."""
    unit_price: Money
    """What each unit in the tier costs."""
    flat_fee: Money
    """What the tier costs besides."""
    amount: Money
    """What the tier comes to, before rounding."""


class InvoiceTaxView(View):
    """What one tax rate adds."""

    tax_rate_id: UUID
    """The tax rate."""
    name: str
    percentage: Exact
    inclusive: bool
    taxable_amount: Money
    """What the tax is of: the lines that the rate applies to."""
    amount: Money
    """The tax, rounded once."""


class InvoiceLineView(View):
    """One line, with the amount before rounding and the tiers that make it up."""

    id: UUID | None
    type: LineType
    description: str
    quantity: Quantity
    unit_amount: Money | None
    line_total: Money
    exact_amount: str
    charge_id: UUID | None
    meter_id: UUID | None
    unit: str | None
    usage_quantity: Quantity | None
    included_quantity: Quantity | None
    limit_exceeded: bool
    over_limit_quantity: Quantity | None
    period_start: Moment | None
    period_end: Moment | None
    tiers: Annotated[list[dict[str, Any]], ShownAs(list[LineTierView])]


def view_line(line: InvoiceLine) -> InvoiceLineView:
    """A stored line as the API shows it."""
    billed = BilledLine(line=shown_line_of(line), line_total=line.line_total)
    return view_billed_line(billed, line_id=line.id)


def view_billed_line(billed: BilledLine, *, line_id: UUID | None = None) -> InvoiceLineView:
    """A rounded line as the API shows it; one that is not stored has no id."""
    priced = billed.line
    return InvoiceLineView(
        id=line_id,
        type=priced.type,
        description=priced.description,
        quantity=as_decimal(priced.quantity),
        unit_amount=priced.unit_amount,
        line_total=billed.line_total,
        exact_amount=plain_text(priced.exact_amount),
        charge_id=priced.charge_id,
        meter_id=priced.meter_id,
        unit=priced.unit,
        usage_quantity=as_decimal(priced.usage_quantity),
        included_quantity=as_decimal(priced.included_quantity),
        limit_exceeded=priced.limit_exceeded,
        over_limit_quantity=as_decimal(priced.over_limit_quantity),
        period_start=priced.starts_at,
        period_end=priced.ends_at,
        tiers=[
            {
                "from": tier.starts_from,
                "up_to": tier.up_to,
                "quantity": as_decimal(tier.quantity),
                "unit_price": tier.unit_price,
                "flat_fee": as_decimal(tier.flat_fee),
                "amount": as_decimal(tier.amount),
            }
            for tier in priced.tiers
        ],
    )


def view_tax(tax: TaxAmount) -> InvoiceTaxView:
    """One rate's tax as the API shows it."""
    return InvoiceTaxView(
        tax_rate_id=tax.tax_rate_id,
        name=tax.name,
        percentage=tax.percentage,
        inclusive=tax.is_inclusive,
        taxable_amount=tax.taxable,
        amount=tax.amount,
    )
