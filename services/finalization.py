"""The end of a draft's grace and of a bill's payment terms."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import NotFound
from billing.invoicing import InvoiceStatus, InvoiceTotals, status_after_finalizing
from billing.lines import PricedLine
from billing.subscriptions import PeriodStatus, SubscriptionStatus
from models.invoices import Invoice
from models.subscriptions import Subscription
from repositories import invoices, organizations, subscriptions, usage
from services import bill_steps, clocks, late_usage
from services.bill_steps import BillKey
from services.invoice_contents import write_contents
from services.invoice_locks import lock_invoice, lock_invoice_if_any
from services.invoicing import (
    assign_number,
    carried_lines,
    get_customer,
    keep_receipt,
    set_totals,
    total_lines,
)


def finalize_due_invoice(
    session: Session, organization_id: UUID, invoice_id: UUID, *, due_at: datetime, now: datetime
) -> None:
    """A draft whose grace is over is OPEN, or PAID where nothing is owed; its content is frozen.

    Idempotent by status. A draft whose grace was moved beyond ``due_at`` stays a draft, and one
    that was deleted meanwhile is not missed.
    """
    locked = lock_invoice_if_any(session, organization_id, invoice_id)
    if locked is None:
        return
    invoice, subscription = locked
    if invoice.scheduled_finalize_at is None or invoice.scheduled_finalize_at > due_at:
        return
    _finalize_locked(session, subscription, invoice, due_at=due_at, now=now)


def finalize_invoice(
    session: Session, organization_id: UUID, invoice_id: UUID, *, due_at: datetime, now: datetime
) -> Invoice:
    """The draft is rated again if events arrived since, then OPEN, or PAID where nothing is owed.

    Idempotent: an OPEN invoice stays as it is (CONTRACT 56). Raises InvalidTransition otherwise.
    """
    invoice, subscription = lock_invoice(session, organization_id, invoice_id)
    _finalize_locked(session, subscription, invoice, due_at=due_at, now=now)
    return invoice


def _finalize_locked(
    session: Session,
    subscription: Subscription | None,
    invoice: Invoice,
    *,
    due_at: datetime,
    now: datetime,
) -> None:
    present = InvoiceStatus(invoice.status)
    if present is not InvoiceStatus.DRAFT:
        status_after_finalizing(present, invoice.total)
        return
    organization = organizations.get_organization(session, invoice.organization_id)
    at = (
        now
        if subscription is None
        else clocks.acting_instant(session, subscription, due_at, now=now)
    )
    if subscription is not None and invoice.period_index is not None:
        # What is on its way still counts; what comes after this finds the bill final.
        usage.lock_arrivals(session, organization.id, subscription.customer_id)
    if subscription is not None and invoice.kind == "period":
        _bring_up_to_date(session, subscription, invoice, now=now)
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


def mark_past_due(
    session: Session, organization_id: UUID, invoice_id: UUID, *, due_at: datetime, now: datetime
) -> None:
    """An OPEN invoice has passed its due date and so has its subscription (CONTRACT 24).

    Idempotent by the invoice's ``past_due_at``.
    """
    invoice, subscription = lock_invoice(session, organization_id, invoice_id)
    if subscription is None:
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


def _bring_up_to_date(
    session: Session, subscription: Subscription, invoice: Invoice, *, now: datetime
) -> None:
    """Let a draft say what arrived in its grace, and remember up to where its usage is billed.

    A draft that people edited keeps what they wrote (CONTRACT 72).
    """
    drafted = _bill_of(invoice)
    revised = None if invoice.is_edited else bill_steps.revise_usage(session, drafted, now=now)
    bill = revised or drafted
    if revised is not None:
        bill_steps.aggregate_usage(session, bill, now=now)
        bill_steps.price_usage(session, bill, now=now)
        bill_steps.enforce_limits(session, bill, now=now)
    frozen, terms = bill_steps.load_frozen(session, bill)
    lines = bill_steps.load(session, bill, bill_steps.EVIDENCE, tuple[PricedLine, ...])
    late = late_usage.late_lines(session, subscription, leaving_out=invoice.id)
    if not invoice.is_edited:
        customer = get_customer(session, subscription)
        credit = carried_lines(session, subscription, terms.currency, leaving_out=invoice.id)
        totals = total_lines(session, customer, (*lines, *late, *credit), terms.currency)
        if revised is not None or totals.total != invoice.total:
            _replace_contents(session, invoice, totals)
    if revised is not None:
        invoice.revision = bill.revision
        keep_receipt(session, bill, invoice, frozen, lines, now=now)
    if late or invoice.is_edited:
        late_usage.settle(session, subscription, invoice, frozen.watermark)
    _settle_period(session, invoice, revision=bill.revision, watermark=frozen.watermark)


def _replace_contents(session: Session, invoice: Invoice, totals: InvoiceTotals) -> None:
    invoices.delete_contents(session, invoice.organization_id, invoice.id)
    set_totals(invoice, totals)
    session.add(invoice)
    write_contents(session, invoice, totals)


def _settle_period(session: Session, invoice: Invoice, *, revision: int, watermark: int) -> None:
    assert invoice.subscription_id is not None
    assert invoice.period_index is not None
    stored = subscriptions.find_period(
        session, invoice.organization_id, invoice.subscription_id, invoice.period_index
    )
    assert stored is not None
    stored.revision = revision
    stored.settled_watermark = watermark
    session.add(stored)


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


def _bill_of(invoice: Invoice) -> BillKey:
    assert invoice.subscription_id is not None
    assert invoice.period_index is not None
    return BillKey(
        organization_id=invoice.organization_id,
        subscription_id=invoice.subscription_id,
        period_index=invoice.period_index,
        revision=invoice.revision,
    )
