"""Invoices on the wire (CONTRACT 2.12 and 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from api.schemas.common import Exact, Moment, View
from billing.lines import PricedLine
from models.invoices import Invoice, InvoiceLine, InvoiceTax
from services.invoice_contents import priced_line_of


class InvoiceLineView(View):
    """One line, with the amount before rounding and the tiers that make it up."""

    id: UUID | None
    type: str
    description: str
    quantity: Exact
    unit_amount: Exact | None
    line_total: Exact
    exact_amount: str
    charge_id: UUID | None
    meter_id: UUID | None
    unit: str | None
    usage_quantity: Exact | None
    included_quantity: Exact | None
    limit_exceeded: bool
    over_limit_quantity: Exact | None
    period_start: Moment | None
    period_end: Moment | None
    tiers: list[dict[str, Any]]


class InvoiceView(View):
    """An invoice. Amounts are in major units of its currency."""

    id: UUID | None
    invoice_number: str | None
    customer_id: UUID
    subscription_id: UUID | None
    kind: str
    status: str
    currency: str
    subtotal: Exact
    tax: Exact
    total: Exact
    amount_due: Exact
    amount_paid: Exact
    tax_status: str
    taxes: list[dict[str, Any]]
    issue_date: Moment | None
    due_date: Moment | None
    period_start: Moment | None
    period_end: Moment | None
    scheduled_finalize_at: Moment | None
    finalized_at: Moment | None
    paid_at: Moment | None
    plan_version: int | None
    meta_data: dict[str, Any]
    created_at: Moment | None
    line_items: list[InvoiceLineView]


def view_invoice(
    invoice: Invoice, lines: Sequence[InvoiceLine], taxes: Sequence[InvoiceTax]
) -> InvoiceView:
    """The invoice as the API shows it."""
    return InvoiceView(
        id=invoice.id,
        invoice_number=invoice.invoice_number,
        customer_id=invoice.customer_id,
        subscription_id=invoice.subscription_id,
        kind=invoice.kind,
        status=invoice.status,
        currency=invoice.currency,
        subtotal=invoice.subtotal,
        tax=invoice.tax,
        total=invoice.total,
        amount_due=invoice.amount_due,
        amount_paid=invoice.amount_paid,
        tax_status=invoice.tax_status,
        taxes=[view_tax(tax) for tax in taxes],
        issue_date=invoice.issue_date,
        due_date=invoice.due_date,
        period_start=invoice.period_start,
        period_end=invoice.period_end,
        scheduled_finalize_at=invoice.scheduled_finalize_at,
        finalized_at=invoice.finalized_at,
        paid_at=invoice.paid_at,
        plan_version=invoice.plan_version,
        meta_data=invoice.meta_data,
        created_at=invoice.created_at,
        line_items=[view_line(line) for line in lines],
    )


def view_line(line: InvoiceLine) -> InvoiceLineView:
    """A stored line as the API shows it."""
    priced: PricedLine = priced_line_of(line)
    return InvoiceLineView(
        id=line.id,
        type=line.type,
        description=line.description,
        quantity=line.quantity,
        unit_amount=line.unit_amount,
        line_total=line.line_total,
        exact_amount=f"{line.exact_amount:f}",
        charge_id=line.charge_id,
        meter_id=line.meter_id,
        unit=priced.unit,
        usage_quantity=line.usage_quantity,
        included_quantity=line.included_quantity,
        limit_exceeded=line.limit_exceeded,
        over_limit_quantity=priced.over_limit_quantity,
        period_start=line.period_start,
        period_end=line.period_end,
        tiers=[
            {
                "from": tier.starts_from,
                "up_to": tier.up_to,
                "quantity": tier.quantity,
                "unit_price": tier.unit_price,
                "flat_fee": tier.flat_fee,
                "amount": tier.amount,
            }
            for tier in priced.tiers
        ],
    )


def view_tax(tax: InvoiceTax) -> dict[str, Any]:
    """One rate's tax."""
    return {
        "tax_rate_id": tax.tax_rate_id,
        "name": tax.name,
        "percentage": tax.percentage,
        "inclusive": tax.is_inclusive,
        "taxable_amount": tax.taxable_amount,
        "amount": tax.amount,
    }
