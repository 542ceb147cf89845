"""From priced lines to an invoice: the fifth step of a bill, the end of its grace, its due date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from billing.errors import NotFound
from billing.invoicing import (
    InvoiceStatus,
    InvoiceTotals,
    assemble_invoice,
    status_after_finalizing,
)
from billing.lines import PricedLine
from billing.money import ZERO, find_currency
from billing.periods import Period
from billing.rating import ENGINE_VERSION
from billing.receipts import digest
from billing.subscriptions import PeriodStatus, SubscriptionStatus
from billing.taxes import Address, TaxRate
from models.base import new_id
from models.customers import Customer
from models.invoices import Invoice, InvoiceReceipt
from models.organizations import Organization
from models.subscriptions import Subscription, SubscriptionPeriod
from repositories import customers, invoices, organizations, plans, subscriptions, tax_rates
from services import bill_steps, clocks
from services.bill_steps import BillKey, FrozenUsage
from services.invoice_contents import write_contents

INVOICE_SERIES = "INV"


def issue_invoice(session: Session, bill: BillKey, *, due_at: datetime, now: datetime) -> Invoice:
    """The period has its draft, with number, lines, taxes and receipt; its grace has begun.

    Idempotent by (subscription, period, kind): a draft that exists is returned as it is.
    """
    subscription, stored = _lock_bill(session, bill)
    existing = invoices.find_period_invoice(
        session, bill.organization_id, bill.subscription_id, bill.period_index
    )
    if existing is not None:
        return existing
    at = clocks.acting_instant(session, subscription, due_at, now=now)
    organization = organizations.get_organization(session, bill.organization_id)
    customer = _get_customer(session, subscription)
    frozen, terms = bill_steps.load_frozen(session, bill)
    lines = bill_steps.load(session, bill, bill_steps.EVIDENCE, tuple[PricedLine, ...])
    totals = total_lines(session, customer, lines, terms.currency)
    invoice = _draft(organization, subscription, stored, totals, frozen, at=at, now=now)
    if organization.number_at == "draft":
        assign_number(session, organization, invoice, at=at)
    session.add(invoice)
    session.flush()
    write_contents(session, invoice, totals)
    _keep_receipt(session, bill, invoice, frozen, lines, now=now)
    stored.status = PeriodStatus.DRAFTED
    subscription.last_invoiced_date = at
    session.add_all([stored, subscription])
    subscriptions.insert_action(
        session,
        subscription,
        "invoice_drafted",
        at=at,
        recorded_at=now,
        period_index=bill.period_index,
        invoice_id=invoice.id,
    )
    session.flush()
    return invoice


@dataclass(frozen=True, slots=True, kw_only=True)
class BillPreview:
    """What an invoice would say. It has no number and is stored nowhere."""

    subscription: Subscription
    span: Period
    totals: InvoiceTotals


def preview(
    session: Session, subscription: Subscription, span: Period, lines: tuple[PricedLine, ...]
) -> BillPreview:
    """The invoice that these lines would make, with the customer's taxes."""
    customer = _get_customer(session, subscription)
    plan = plans.find_plan(session, subscription.organization_id, subscription.plan_id)
    assert plan is not None
    totals = total_lines(session, customer, lines, plan.currency)
    return BillPreview(subscription=subscription, span=span, totals=totals)


def finalize_due_invoice(
    session: Session, organization_id: UUID, invoice_id: UUID, *, due_at: datetime, now: datetime
) -> None:
    """A draft whose grace is over is OPEN, or PAID where nothing is owed; its content is frozen.

    Idempotent by status. A draft whose grace was moved beyond ``due_at`` stays a draft.
    """
    invoice = _get_invoice(session, organization_id, invoice_id)
    if invoice.scheduled_finalize_at is None or invoice.scheduled_finalize_at > due_at:
        return
    finalize_invoice(session, organization_id, invoice_id, due_at=due_at, now=now)


def finalize_invoice(
    session: Session, organization_id: UUID, invoice_id: UUID, *, due_at: datetime, now: datetime
) -> Invoice:
    """The draft is rated again if events arrived since, then OPEN, or PAID where nothing is owed.

    Idempotent: an OPEN invoice stays as it is (CONTRACT 56). Raises InvalidTransition otherwise.
    """
    subscription = lock_subscription_of(session, organization_id, invoice_id)
    invoice = invoices.lock_invoice(session, organization_id, invoice_id)
    if invoice is None:
        raise NotFound("Invoice not found.", code="invoice_not_found")
    present = InvoiceStatus(invoice.status)
    if present is not InvoiceStatus.DRAFT:
        status_after_finalizing(present, invoice.total)
        return invoice
    organization = organizations.get_organization(session, organization_id)
    at = (
        now
        if subscription is None
        else clocks.acting_instant(session, subscription, due_at, now=now)
    )
    if subscription is not None and invoice.kind == "period" and not invoice.is_edited:
        _rate_again(session, subscription, invoice, now=now)
    if invoice.invoice_number is None:
        assign_number(session, organization, invoice, at=at)
    invoice.status = status_after_finalizing(present, invoice.total)
    invoice.finalized_at = at
    invoice.scheduled_finalize_at = None
    if invoice.status == InvoiceStatus.PAID:
        invoice.paid_at = at
    session.add(invoice)
    if subscription is not None:
        _record_finalized(session, subscription, invoice, at=at, now=now)
    session.flush()
    return invoice


def mark_past_due(
    session: Session, organization_id: UUID, invoice_id: UUID, *, due_at: datetime, now: datetime
) -> None:
    """An OPEN invoice has passed its due date and so has its subscription (CONTRACT 24).

    Idempotent by the invoice's ``past_due_at``.
    """
    subscription = lock_subscription_of(session, organization_id, invoice_id)
    invoice = invoices.lock_invoice(session, organization_id, invoice_id)
    if invoice is None or subscription is None:
        raise NotFound("Invoice not found.", code="invoice_not_found")
    if invoice.status != InvoiceStatus.OPEN or invoice.past_due_at or invoice.due_date > due_at:
        return
    at = clocks.acting_instant(session, subscription, due_at, now=now)
    invoice.past_due_at = at
    session.add(invoice)
    if subscription.status == SubscriptionStatus.ACTIVE:
        subscription.status = SubscriptionStatus.PAST_DUE
        session.add(subscription)
    subscriptions.insert_action(
        session,
        subscription,
        "past_due",
        at=at,
        recorded_at=now,
        period_index=invoice.period_index,
        invoice_id=invoice.id,
    )
    session.flush()


def assign_number(
    session: Session, organization: Organization, invoice: Invoice, *, at: datetime
) -> None:
    """Give the invoice the next number of its organization and year, read in the local zone.

    Source: CONTRACT 25, 72.
    """
    year = at.astimezone(ZoneInfo(organization.timezone)).year
    sequence = invoices.draw_number(session, organization.id, INVOICE_SERIES, year)
    invoice.invoice_number = f"{INVOICE_SERIES}-{year}-{sequence:04d}"


def _rate_again(
    session: Session, subscription: Subscription, invoice: Invoice, *, now: datetime
) -> None:
    """Bring a draft up to date with what arrived in its grace, as a revision of its own."""
    bill = bill_steps.revise_usage(session, _bill_of(invoice), now=now)
    if bill is None:
        return
    bill_steps.aggregate_usage(session, bill, now=now)
    bill_steps.price_usage(session, bill, now=now)
    bill_steps.enforce_limits(session, bill, now=now)
    frozen, terms = bill_steps.load_frozen(session, bill)
    lines = bill_steps.load(session, bill, bill_steps.EVIDENCE, tuple[PricedLine, ...])
    customer = _get_customer(session, subscription)
    totals = total_lines(session, customer, lines, terms.currency)
    invoices.delete_contents(session, invoice.organization_id, invoice.id)
    invoice.revision = bill.revision
    invoice.plan_version = frozen.plan_version
    set_totals(invoice, totals)
    session.add(invoice)
    write_contents(session, invoice, totals)
    _keep_receipt(session, bill, invoice, frozen, lines, now=now)


def _draft(
    organization: Organization,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    totals: InvoiceTotals,
    frozen: FrozenUsage,
    *,
    at: datetime,
    now: datetime,
) -> Invoice:
    invoice = Invoice(
        organization_id=organization.id,
        id=new_id(),
        customer_id=subscription.customer_id,
        subscription_id=subscription.id,
        period_index=stored.index,
        kind="period",
        revision=stored.revision,
        plan_version=frozen.plan_version,
        status=InvoiceStatus.DRAFT,
        currency=totals.currency,
        subtotal=ZERO,
        tax=ZERO,
        total=ZERO,
        amount_due=ZERO,
        amount_paid=ZERO,
        tax_status="",
        timezone=subscription.timezone,
        period_start=stored.starts_at,
        period_end=stored.ends_at,
        issue_date=at,
        due_date=at + timedelta(days=organization.payment_terms_days),
        scheduled_finalize_at=at + timedelta(minutes=organization.grace_period_minutes),
        created_at=now,
    )
    set_totals(invoice, totals)
    return invoice


def set_totals(invoice: Invoice, totals: InvoiceTotals) -> None:
    """Write the money side of an unpaid invoice."""
    invoice.subtotal = totals.subtotal
    invoice.tax = totals.tax
    invoice.total = totals.total
    invoice.amount_due = totals.total
    invoice.tax_status = totals.tax_status


def total_lines(
    session: Session, customer: Customer, lines: tuple[PricedLine, ...], currency: str
) -> InvoiceTotals:
    """The lines rounded, with the taxes of the customer's address and the totals."""
    rates: list[TaxRate] = tax_rates.list_rates_in_force(session, customer.organization_id)
    address = Address(
        country=customer.billing_address_country, state=customer.billing_address_state
    )
    return assemble_invoice(lines, rates, address, find_currency(currency))


def _keep_receipt(
    session: Session,
    bill: BillKey,
    invoice: Invoice,
    frozen: FrozenUsage,
    lines: tuple[PricedLine, ...],
    *,
    now: datetime,
) -> None:
    session.add(
        InvoiceReceipt(
            organization_id=invoice.organization_id,
            invoice_id=invoice.id,
            revision=bill.revision,
            engine_version=ENGINE_VERSION,
            plan_version=frozen.plan_version,
            period_start=frozen.period.starts_at,
            period_end=frozen.period.ends_at,
            watermark=frozen.watermark,
            inputs_digest=digest(frozen),
            lines_digest=digest(lines),
            created_at=now,
        )
    )


def _record_finalized(
    session: Session, subscription: Subscription, invoice: Invoice, *, at: datetime, now: datetime
) -> None:
    if invoice.period_index is not None:
        stored = subscriptions.find_period(
            session, invoice.organization_id, subscription.id, invoice.period_index
        )
        if stored is not None:
            stored.status = PeriodStatus.FINAL
            stored.parked_step = stored.parked_reason = None
            session.add(stored)
    subscriptions.insert_action(
        session,
        subscription,
        "invoice_finalized",
        at=at,
        recorded_at=now,
        period_index=invoice.period_index,
        invoice_id=invoice.id,
    )


def _lock_bill(session: Session, bill: BillKey) -> tuple[Subscription, SubscriptionPeriod]:
    subscription = subscriptions.lock_subscription(
        session, bill.organization_id, bill.subscription_id
    )
    stored = subscriptions.find_period(
        session, bill.organization_id, bill.subscription_id, bill.period_index
    )
    if subscription is None or stored is None:
        raise NotFound("There is no such period to bill.", code="period_not_found")
    return subscription, stored


def lock_subscription_of(
    session: Session, organization_id: UUID, invoice_id: UUID
) -> Subscription | None:
    """The invoice's subscription, if it has one, with its row locked.

    Everybody locks the subscription before its invoice, so that nobody waits in a ring.
    """
    invoice = _get_invoice(session, organization_id, invoice_id)
    if invoice.subscription_id is None:
        return None
    return subscriptions.lock_subscription(session, organization_id, invoice.subscription_id)


def _get_invoice(session: Session, organization_id: UUID, invoice_id: UUID) -> Invoice:
    invoice = invoices.find_invoice(session, organization_id, invoice_id)
    if invoice is None:
        raise NotFound("Invoice not found.", code="invoice_not_found")
    return invoice


def _get_customer(session: Session, subscription: Subscription) -> Customer:
    customer = customers.find_customer(
        session, subscription.organization_id, subscription.customer_id
    )
    if customer is None:
        raise NotFound("Customer not found.", code="customer_not_found")
    return customer


def _bill_of(invoice: Invoice) -> BillKey:
    assert invoice.subscription_id is not None
    assert invoice.period_index is not None
    return BillKey(
        organization_id=invoice.organization_id,
        subscription_id=invoice.subscription_id,
        period_index=invoice.period_index,
        revision=invoice.revision,
    )
