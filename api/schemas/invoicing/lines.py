"""Lines of invoices and their taxes, on the wire (CONTRACT 2.12 and section 6)."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import Field

from api.schemas.common import Exact, Moment, Money, Quantity, View
from api.schemas.described import ShownAs, unchecked
from billing.invoicing.invoices import InvoiceLine as BilledLine
from billing.invoicing.taxes import TaxAmount
from billing.money import plain_text
from billing.rating.groups import Group, GroupKind
from billing.rating.lines import LineType, PricedLine
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
    """What documents call the tax."""
    percentage: Exact
    """How many percent: 19 is 19 %."""
    inclusive: bool
    """Whether the prices included the tax already."""
    taxable_amount: Money
    """What the tax is of: the lines that the rate applies to."""
    amount: Money
    """The tax, rounded once."""


class LineGroupView(View):
    """Which events of its charge a line is of, where the charge prices by properties."""

    properties: list[str]
    """The properties of events by which the charge prices."""
    kind: GroupKind
    """`named`: the charge names a price for the values; `others`: it does not, so its default price
    holds; `missing`: the events lack a property, so the default price holds as well."""
    values: list[str]
    """What the properties say, in their order; empty unless the charge names the values."""


class LineUnitView(View):
    """What a line comes to in the own unit that it is priced in, and how it becomes money."""

    unit: str
    """The code of the unit, such as `TOKENS`."""
    amount: Exact
    """The amount in the unit, rounded once to its decimal places."""
    paid: Exact
    """How much of that prepaid credit in the unit pays. Of a draft it is provisional."""
    rest: Exact
    """What is left: that times `overage_rate`, rounded once, is due."""
    cost_share: Money
    """What that credit was sold for where the unit is taxed `at_use`, in the currency: it is taxed
    with the line and paid already. `line_total` is what is due, and this."""
    overage_rate: Money | None
    """What one of the unit costs in the currency where no credit pays it; null where the rest is
    not due, since access is blocked instead."""


class ShownLine(View):
    """One line, stored or not, with the amount before rounding and the tiers that make it up."""

    id: UUID | None
    """The id of the line, a UUID."""
    type: LineType
    """What the line is for."""
    description: str
    """What the line is called: the charge's `display_name`, or else the meter's name."""
    quantity: Quantity
    """The quantity that is billed."""
    unit_amount: Money | None
    """The price of a unit, in what the line is priced in; null where there is no single one."""
    line_total: Money
    """The amount of the line, rounded once to the currency's smallest unit."""
    exact_amount: str
    """The amount before rounding, a decimal string in major units of the currency, or in the own
    unit of `priced_in`."""
    priced_in: LineUnitView | None
    """What of an own unit the line is; null for a line that is priced in the currency."""
    charge_id: UUID | None
    """The charge that is billed; null for a line that is of none."""
    meter_id: UUID | None
    """The meter whose usage is billed; null for a line without usage."""
    group: LineGroupView | None
    """Which events of the charge the line is of; null where the charge has one price for all."""
    unit: str | None
    """What the quantity counts, such as `calls`; null where nothing says."""
    usage_quantity: Quantity | None
    """What was measured; null for a line without usage."""
    included_quantity: Quantity | None
    """How much of it was free; null for a line without usage."""
    limit_exceeded: bool
    """Whether a hard limit was passed."""
    over_limit_quantity: Quantity | None
    """By how much a hard limit was passed; null where it was not."""
    period_start: Moment | None
    """The begin of what is billed, itself included; null for a line that is of no time."""
    period_end: Moment | None
    """The end of what is billed, itself excluded; null for a line that is of no time."""
    tiers: Annotated[list[dict[str, Any]], ShownAs(list[LineTierView])]
    """The tiers that make up `exact_amount`; empty where the price has none."""


class InvoiceLineView(ShownLine):
    """One line, with the amount before rounding and the tiers that make it up."""

    id: UUID


class PreviewLineView(ShownLine):
    """A line that would be billed. It is not stored, so it has no id."""

    id: None
    """Always null."""


Line = TypeVar("Line", bound=ShownLine)


def view_line(line: InvoiceLine) -> InvoiceLineView:
    """A stored line as the API shows it."""
    billed = BilledLine(line=shown_line_of(line), line_total=line.line_total)
    return _view(InvoiceLineView, billed, line_id=line.id)


def view_preview_line(billed: BilledLine) -> PreviewLineView:
    """A rounded line that is not stored, as the API shows it."""
    return _view(PreviewLineView, billed, line_id=None)


def _view(kind: type[Line], billed: BilledLine, *, line_id: UUID | None) -> Line:
    priced = billed.line
    return unchecked(kind)(
        id=line_id,
        type=priced.type,
        description=priced.description,
        quantity=as_decimal(priced.quantity),
        unit_amount=priced.unit_amount,
        line_total=billed.line_total,
        exact_amount=plain_text(priced.exact_amount),
        priced_in=_view_unit(priced),
        charge_id=priced.charge_id,
        meter_id=priced.meter_id,
        group=_view_group(priced.group),
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


def _view_unit(priced: PricedLine) -> LineUnitView | None:
    if priced.priced_in is None:
        return None
    return LineUnitView(
        unit=priced.priced_in.code,
        amount=priced.amount,
        paid=priced.paid_in_unit,
        rest=priced.rest,
        cost_share=priced.cost_share,
        overage_rate=priced.overage_rate,
    )


def _view_group(group: Group | None) -> LineGroupView | None:
    if group is None:
        return None
    return LineGroupView(
        properties=list(group.properties), kind=group.kind, values=list(group.values)
    )


def view_tax(tax: TaxAmount) -> InvoiceTaxView:
    """One rate's tax as the API shows it."""
    return unchecked(InvoiceTaxView)(
        tax_rate_id=tax.tax_rate_id,
        name=tax.name,
        percentage=tax.percentage,
        inclusive=tax.is_inclusive,
        taxable_amount=tax.taxable,
        amount=tax.amount,
    )
