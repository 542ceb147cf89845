"""From priced lines to a draft invoice: the fifth step of a bill."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from billing.errors import NotFound
from billing.invoicing.invoices import InvoiceStatus, InvoiceTotals
from billing.invoicing.kinds import InvoiceKind, NumberAt
from billing.invoicing.receipts import digest
from billing.money import ZERO
from billing.rating.lines import PricedLine
from billing.subscriptions import PeriodStatus, change_period_status
from billing.timeline import Happening
from models.accounts.organizations import Organization
from models.base import new_id
from models.invoicing.invoices import Invoice, InvoiceReceipt
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.accounts import organizations as stored_organizations
from repositories.invoicing import invoices as stored_invoices
from repositories.subscriptions import actions as stored_actions
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.documents.contents import write_contents
from services.invoicing import composition
from services.rating import steps
from services.rating.steps import BillKey, FrozenUsage
from services.subscriptions import clocks

INVOICE_SERIES = "INV"


def issue_invoice(
    session: Session,
    bill: BillKey,
    *,
    due_at: datetime,
    now: datetime,
    reissue_of: UUID | None = None,
) -> Invoice:
    """The period has its draft, with number, lines, taxes and receipt; its grace has begun.

    ``reissue_of`` is the void invoice that it replaces. Idempotent by (subscription, period,
    kind): a draft that exists is returned as it is.
    """
    subscription, stored = _lock_bill(session, bill)
    existing = stored_invoices.find_period_invoice(
        session, bill.organization_id, bill.subscription_id, bill.period_index
    )
    if existing is not None:
        return existing
    at = clocks.acting_instant(session, subscription, due_at, now=now)
    invoice = _write_draft(
        session, subscription, stored, bill, at=at, now=now, reissue_of=reissue_of
    )
    stored.status = change_period_status(stored.status, PeriodStatus.DRAFTED)
    subscription.last_invoiced_date = at
    session.add_all([stored, subscription])
    stored_actions.insert_action(
        session,
        subscription,
        Happening.INVOICE_DRAFTED,
        at=at,
        recorded_at=now,
        period_index=bill.period_index,
        invoice_id=invoice.id,
    )
    session.flush()
    return invoice


def _write_draft(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    bill: BillKey,
    *,
    at: datetime,
    now: datetime,
    reissue_of: UUID | None,
) -> Invoice:
    organization = stored_organizations.get_organization(session, bill.organization_id)
    frozen, terms = steps.load_frozen(session, bill)
    lines = steps.load(session, bill, steps.EVIDENCE, tuple[PricedLine, ...])
    composed = composition.compose_bill(
        session, subscription, lines, terms.currency, own_period=stored
    )
    invoice = new_invoice(
        organization,
        subscription.customer_id,
        composed.totals,
        kind=InvoiceKind.PERIOD,
        subscription=subscription,
        at=at,
        now=now,
    )
    _show_period(invoice, organization, stored, frozen)
    invoice.reissue_of = reissue_of
    add_invoice(session, organization, invoice, composed.totals)
    composition.hold_late_lines(session, subscription, invoice, composed)
    keep_receipt(session, bill, invoice, frozen, lines, now=now)
    return invoice


def new_invoice(
    organization: Organization,
    customer_id: UUID,
    totals: InvoiceTotals,
    *,
    kind: InvoiceKind,
    subscription: Subscription | None,
    at: datetime,
    now: datetime,
) -> Invoice:
    """An unpaid draft of ``at`` with its totals, due after the terms of payment; not stored yet.

    Its zone is the subscription's, else the organization's.
    """
    invoice = Invoice(
        organization_id=organization.id,
        id=new_id(),
        customer_id=customer_id,
        subscription_id=None if subscription is None else subscription.id,
        kind=kind,
        status=InvoiceStatus.DRAFT,
        currency=totals.currency,
        subtotal=ZERO,
        tax=ZERO,
        total=ZERO,
        amount_due=ZERO,
        amount_paid=ZERO,
        tax_status="",
        timezone=organization.timezone if subscription is None else subscription.timezone,
        issue_date=at,
        due_date=at + timedelta(days=organization.payment_terms_days),
        created_at=now,
    )
    set_totals(invoice, totals)
    return invoice


def add_invoice(
    session: Session, organization: Organization, invoice: Invoice, totals: InvoiceTotals
) -> None:
    """The invoice is stored with its lines and taxes, and with its number if it is due one."""
    if organization.number_at == NumberAt.DRAFT or invoice.status != InvoiceStatus.DRAFT:
        assign_number(session, organization, invoice, at=invoice.issue_date)
    session.add(invoice)
    session.flush()
    write_contents(session, invoice, totals)


def assign_number(
    session: Session, organization: Organization, invoice: Invoice, *, at: datetime
) -> None:
    """Give the invoice the next number of its organization and year, read in the local zone.

    Source: CONTRACT 25, 72.
    """
    year = at.astimezone(ZoneInfo(organization.timezone)).year
    sequence = stored_invoices.draw_number(session, organization.id, INVOICE_SERIES, year)
    invoice.invoice_number = f"{INVOICE_SERIES}-{year}-{sequence:04d}"


def set_totals(invoice: Invoice, totals: InvoiceTotals) -> None:
    """Write the money side of an unpaid invoice."""
    invoice.subtotal = totals.subtotal
    invoice.tax = totals.tax
    invoice.total = totals.total
    invoice.amount_due = totals.total
    invoice.tax_status = totals.tax_status
    invoice.carried_credit = totals.carried_credit
    invoice.granted_credit = totals.granted_credit


def keep_receipt(
    session: Session,
    bill: BillKey,
    invoice: Invoice,
    frozen: FrozenUsage,
    lines: tuple[PricedLine, ...],
    *,
    now: datetime,
) -> None:
    """Remember what this revision of an invoice was computed from."""
    session.add(
        InvoiceReceipt(
            organization_id=invoice.organization_id,
            invoice_id=invoice.id,
            revision=bill.revision,
            engine_version=frozen.engine,
            plan_version=frozen.plan_version,
            period_start=frozen.period.starts_at,
            period_end=frozen.period.ends_at,
            watermark=frozen.watermark,
            inputs_digest=digest(frozen),
            lines_digest=digest(lines),
            created_at=now,
        )
    )


def _show_period(
    invoice: Invoice, organization: Organization, stored: SubscriptionPeriod, frozen: FrozenUsage
) -> None:
    invoice.period_index = stored.index
    invoice.revision = stored.revision
    invoice.plan_version = frozen.plan_version
    invoice.period_start = stored.starts_at
    invoice.period_end = stored.ends_at
    invoice.scheduled_finalize_at = invoice.issue_date + timedelta(
        minutes=organization.grace_period_minutes
    )


def _lock_bill(session: Session, bill: BillKey) -> tuple[Subscription, SubscriptionPeriod]:
    subscription = stored_subscriptions.lock_subscription(
        session, bill.organization_id, bill.subscription_id
    )
    stored = stored_subscriptions.find_period(
        session, bill.organization_id, bill.subscription_id, bill.period_index
    )
    if subscription is None or stored is None:
        raise NotFound("There is no such period to bill.", code="period_not_found")
    return subscription, stored
