"""Invoices on the wire (CONTRACT 2.12 and section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from api.schemas.common import Moment, Money, View
from api.schemas.free_form import AnyObject
from api.schemas.invoicing.lines import (
    InvoiceLineView,
    InvoiceTaxView,
    view_billed_line,
    view_line,
    view_tax,
)
from billing.invoicing.invoices import InvoiceStatus
from billing.invoicing.kinds import InvoiceKind
from billing.invoicing.taxes import TaxStatus
from billing.money import ZERO
from models.invoicing.invoices import Invoice, InvoiceLine, InvoiceTax
from services.documents.contents import tax_amount_of
from services.invoicing.previews import BillPreview


class EInvoiceProblemView(View):
    """A field to fill in, and the rule of EN 16931 or of Peppol that asks for it."""

    field: str
    rule: str


class EInvoiceView(View):
    """Whether the invoice kept EN 16931 when it was issued; Peppol asks for more."""

    valid: bool
    problems: list[EInvoiceProblemView]


class InvoiceView(View):
    """An invoice. Amounts are in major units of its currency.

    ``amount_due`` is the total less what was credited and paid, and what was refunded on top.
    """

    id: UUID | None
    invoice_number: str | None
    customer_id: UUID
    subscription_id: UUID | None
    kind: InvoiceKind
    status: InvoiceStatus | Literal["PREVIEW"]
    currency: str
    subtotal: Money
    tax: Money
    total: Money
    amount_due: Money
    amount_paid: Money
    amount_credited: Money
    amount_refunded: Money
    tax_status: TaxStatus
    taxes: list[InvoiceTaxView]
    issue_date: Moment | None
    due_date: Moment | None
    period_start: Moment | None
    period_end: Moment | None
    scheduled_finalize_at: Moment | None
    finalized_at: Moment | None
    paid_at: Moment | None
    plan_version: int | None
    payment_link: str | None
    """Where to pay; null while no gateway is connected, and once nothing is due."""
    public_token: str | None
    """The token of its public page; null before one is asked for."""
    meta_data: AnyObject
    einvoice: EInvoiceView | None
    created_at: Moment | None
    line_items: list[InvoiceLineView]


def view_invoice(
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    taxes: Sequence[InvoiceTax],
    *,
    public_token: str | None,
) -> InvoiceView:
    """The invoice as the API shows it."""
    return InvoiceView(
        id=invoice.id,
        invoice_number=invoice.invoice_number,
        customer_id=invoice.customer_id,
        subscription_id=invoice.subscription_id,
        kind=InvoiceKind(invoice.kind),
        status=InvoiceStatus(invoice.status),
        currency=invoice.currency,
        subtotal=invoice.subtotal,
        tax=invoice.tax,
        total=invoice.total,
        amount_due=invoice.amount_due,
        amount_paid=invoice.amount_paid,
        amount_credited=invoice.amount_credited,
        amount_refunded=invoice.amount_refunded,
        tax_status=TaxStatus(invoice.tax_status),
        taxes=[view_tax(tax_amount_of(tax)) for tax in taxes],
        issue_date=invoice.issue_date,
        due_date=invoice.due_date,
        period_start=invoice.period_start,
        period_end=invoice.period_end,
        scheduled_finalize_at=invoice.scheduled_finalize_at,
        finalized_at=invoice.finalized_at,
        paid_at=invoice.paid_at,
        plan_version=invoice.plan_version,
        payment_link=invoice.payment_link,
        public_token=public_token,
        meta_data=invoice.meta_data,
        einvoice=invoice.einvoice and EInvoiceView.model_validate(invoice.einvoice),
        created_at=invoice.created_at,
        line_items=[view_line(line) for line in lines],
    )


def view_preview(preview: BillPreview) -> InvoiceView:
    """An invoice that does not exist: no id, no number, status PREVIEW."""
    totals, subscription = preview.totals, preview.subscription
    return InvoiceView(
        id=None,
        invoice_number=None,
        customer_id=subscription.customer_id,
        subscription_id=subscription.id,
        kind=InvoiceKind.PERIOD,
        status="PREVIEW",
        currency=totals.currency,
        subtotal=totals.subtotal,
        tax=totals.tax,
        total=totals.total,
        amount_due=totals.total,
        amount_paid=ZERO,
        amount_credited=ZERO,
        amount_refunded=ZERO,
        tax_status=totals.tax_status,
        taxes=[view_tax(tax) for tax in totals.taxes],
        issue_date=None,
        due_date=None,
        period_start=preview.span.starts_at,
        period_end=preview.span.ends_at,
        scheduled_finalize_at=None,
        finalized_at=None,
        paid_at=None,
        plan_version=None,
        payment_link=None,
        public_token=None,
        meta_data={},
        einvoice=None,
        created_at=None,
        line_items=[view_billed_line(line) for line in totals.lines],
    )
