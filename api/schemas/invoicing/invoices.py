"""Invoices on the wire (CONTRACT 2.12 and section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal
from uuid import UUID

from api.schemas.catalog.commitments import TrueUpView, view_supposed_true_ups, view_true_ups
from api.schemas.common import Exact, Moment, Money, View
from api.schemas.described import unchecked
from api.schemas.discounts.invoice_coupons import InvoiceCouponView, view_discounts
from api.schemas.free_form import AnyObject
from api.schemas.invoicing.einvoices import EInvoiceView
from api.schemas.invoicing.lines import (
    InvoiceLineView,
    InvoiceTaxView,
    PreviewLineView,
    ShownLine,
    view_line,
    view_preview_line,
    view_tax,
)
from billing.invoicing.invoices import InvoiceStatus, InvoiceTotals
from billing.invoicing.kinds import InvoiceKind
from billing.invoicing.taxes import TaxStatus
from billing.money import ZERO
from models.invoicing.draws import InvoiceDraw
from models.invoicing.invoices import Invoice, InvoiceLine, InvoiceTax
from services.documents.contents import tax_amount_of
from services.invoicing.previews import BillPreview


class InvoiceDrawView(View):
    """What a grant of prepaid credit pays of a line."""

    grant_id: UUID
    """The grant."""
    line_id: UUID | None
    """The line; null in a preview, whose lines have no ids."""
    unit: str
    """What the grant is counted in."""
    amount: Exact
    """How much the grant pays, in its unit."""
    money: Money
    """How much of the invoice that is, in its currency. In an own unit what that much of the grant
    was sold for, where the unit is taxed `at_use`; else 0, for it pays before anything becomes
    money."""


class ShownInvoice(View):
    """What an invoice says, stored or not."""

    id: UUID | None
    """The id, a UUID that never changes; null in a preview."""
    invoice_number: str | None
    customer_id: UUID
    subscription_id: UUID | None
    """The subscription that it bills; null for one that was written by hand for none."""
    kind: InvoiceKind
    """What it bills."""
    status: InvoiceStatus | Literal["PREVIEW"]
    """Its state."""
    currency: str
    subtotal: Money
    tax: Money
    """The tax of all rates."""
    total: Money
    """What the customer owes in all: the lines less `coupons_total` and `credits_before_tax`, with
    tax."""
    coupons_total: Money
    """What coupons take off the lines; it is not in the total."""
    coupons: list[InvoiceCouponView]
    """What each coupon takes off which line, in their order. Of a draft it is provisional."""
    true_ups: list[TrueUpView]
    """What commitments of the plan add, by lines of their own. Of a draft it is provisional."""
    credits_before_tax: Money
    """What prepaid credit pays of the lines before they are taxed; it is not in the total."""
    credits_after_tax: Money
    """What prepaid credit pays of the total, tax included; with what own units that are taxed
    `at_use` were sold for."""
    credits_total: Money
    """What prepaid credit pays in all. Of a draft it is provisional, and drawn when it is
    final."""
    credits: list[InvoiceDrawView]
    """What prepaid credit pays of which line, and which grant it is of: by lines, and of each line
    in the order in which grants pay it."""
    amount_due: Money
    """What is left to pay: the total less `credits_after_tax` and what was credited and paid, and
    what was refunded on top."""
    amount_paid: Money
    """What was paid."""
    amount_credited: Money
    """What credit notes gave back."""
    amount_refunded: Money
    """What was paid and went back."""
    tax_status: TaxStatus
    """Whether tax was computed, and if not why."""
    taxes: list[InvoiceTaxView]
    """The tax by rate."""
    issue_date: Moment | None
    """When it was issued."""
    due_date: Moment | None
    """When it is due."""
    period_start: Moment | None
    """The begin of the period that it bills, itself included; null where it bills none."""
    period_end: Moment | None
    """The end of the period that it bills, itself excluded; null where it bills none."""
    scheduled_finalize_at: Moment | None
    """When the draft becomes final by itself; null where it does not."""
    finalized_at: Moment | None
    """When it became final; null while it is a draft."""
    paid_at: Moment | None
    """When it was paid in full; null before."""
    plan_version: int | None
    """The version of the plan that it was computed by; null where it was written by hand."""
    payment_link: str | None
    """Where to pay; null while no gateway is connected, and once nothing is due."""
    public_token: str | None
    """The token of its public page; null before one is asked for."""
    meta_data: AnyObject
    """What was noted of it, such as `status_change_note`."""
    einvoice: EInvoiceView | None
    """Whether it can be an e-invoice; null while it is a draft."""
    created_at: Moment | None
    """When it was made."""
    line_items: Sequence[ShownLine]
    """The lines, in the order of the document."""


class InvoiceView(ShownInvoice):
    """An invoice. Amounts are in major units of its currency."""

    id: UUID
    status: InvoiceStatus
    issue_date: Moment
    due_date: Moment
    created_at: Moment
    line_items: list[InvoiceLineView]


class InvoicePreviewView(ShownInvoice):
    """An invoice as it would look. It is stored nowhere: it has no id, no number and no dates."""

    id: None
    invoice_number: None
    subscription_id: UUID
    status: Literal["PREVIEW"]
    issue_date: None
    due_date: None
    period_start: Moment
    period_end: Moment
    scheduled_finalize_at: None
    finalized_at: None
    paid_at: None
    plan_version: None
    payment_link: None
    public_token: None
    einvoice: None
    created_at: None
    line_items: list[PreviewLineView]


def view_invoice(
    invoice: Invoice,
    lines: Sequence[InvoiceLine],
    taxes: Sequence[InvoiceTax],
    draws: Sequence[InvoiceDraw],
    *,
    coupons: Sequence[InvoiceCouponView],
    public_token: str | None,
) -> InvoiceView:
    """The invoice as the API shows it."""
    return unchecked(InvoiceView)(
        id=invoice.id,
        invoice_number=invoice.invoice_number,
        customer_id=invoice.customer_id,
        subscription_id=invoice.subscription_id,
        kind=InvoiceKind(invoice.kind),
        status=InvoiceStatus(invoice.status),
        currency=invoice.currency,
        **_amounts_of(invoice),
        coupons=list(coupons),
        true_ups=view_true_ups(lines) if invoice.has_true_ups else [],
        credits=[_view_draw(draw, lines) for draw in draws],
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


def _amounts_of(invoice: Invoice) -> dict[str, Decimal]:
    return {
        "subtotal": invoice.subtotal,
        "tax": invoice.tax,
        "total": invoice.total,
        "coupons_total": invoice.coupons_total,
        "credits_before_tax": invoice.credits_before_tax,
        "credits_after_tax": invoice.credits_after_tax,
        # The fast read has columns alone, and nothing that is made of them.
        "credits_total": invoice.credits_before_tax + invoice.credits_after_tax,
        "amount_due": invoice.amount_due,
        "amount_paid": invoice.amount_paid,
        "amount_credited": invoice.amount_credited,
        "amount_refunded": invoice.amount_refunded,
    }


def _view_draw(draw: InvoiceDraw, lines: Sequence[InvoiceLine]) -> InvoiceDrawView:
    return InvoiceDrawView(
        grant_id=draw.grant_id,
        line_id=lines[draw.line_position].id,
        unit=draw.unit,
        amount=draw.amount,
        money=draw.money,
    )


def _view_draws(totals: InvoiceTotals) -> list[InvoiceDrawView]:
    return [
        InvoiceDrawView(
            grant_id=draw.grant_id,
            line_id=None,
            unit=draw.unit or totals.currency,
            amount=draw.amount,
            money=draw.money,
        )
        for draw in sorted(totals.draws, key=lambda one: one.position)
    ]


def view_preview(preview: BillPreview) -> InvoicePreviewView:
    """An invoice that does not exist: no id, no number, status PREVIEW."""
    totals, subscription = preview.totals, preview.subscription
    return unchecked(InvoicePreviewView)(
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
        coupons_total=totals.coupons_total,
        coupons=view_discounts(totals.discounts),
        true_ups=view_supposed_true_ups(totals),
        credits_before_tax=totals.credits_before_tax,
        credits_after_tax=totals.credits_after_tax,
        credits_total=totals.credits_total,
        credits=_view_draws(totals),
        amount_due=totals.amount_due,
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
        line_items=[view_preview_line(line) for line in totals.lines],
    )
