"""The end of a draft's grace and of a bill's payment terms."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.invoices import (
    InvoiceStatus,
    InvoiceTotals,
    credit_line,
    round_line,
    status_after_finalizing,
)
from billing.invoicing.kinds import InvoiceKind
from billing.money import ZERO, exactly, find_currency
from billing.rating.lines import PricedLine
from billing.subscriptions import PeriodStatus, SubscriptionStatus, change_period_status
from billing.timeline import Happening
from models.invoicing.invoices import Invoice
from models.subscriptions.subscriptions import Subscription, SubscriptionPeriod
from repositories.accounts import organizations as stored_organizations
from repositories.invoicing import corrections as stored_corrections
from repositories.invoicing import invoices as stored_invoices
from repositories.invoicing import late_usage as stored_late_usage
from repositories.subscriptions import actions as stored_actions
from repositories.subscriptions import subscriptions as stored_subscriptions
from repositories.usage.arrival_locks import lock_arrivals
from services import customer_accounts
from services.corrections.late_usage import settle
from services.documents.contents import add_line, write_contents
from services.documents.locks import lock_invoice, lock_invoice_if_any
from services.invoicing import composition
from services.invoicing.composition import Bill
from services.invoicing.drafts import assign_number, keep_receipt, set_totals
from services.rating import steps
from services.rating.steps import BillKey
from services.required import not_found
from services.subscriptions import clocks


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
    organization = stored_organizations.get_organization(session, invoice.organization_id)
    at = (
        due_at
        if subscription is None
        else clocks.acting_instant(session, subscription, due_at, now=now)
    )
    if subscription is not None and invoice.period_index is not None:
        # What is on its way still counts; what comes after this finds the bill final.
        lock_arrivals(session, organization.id, subscription.customer_id)
    if subscription is not None and invoice.kind == InvoiceKind.PERIOD:
        _bring_up_to_date(session, subscription, invoice, at=at, now=now)
    if subscription is None or invoice.kind != InvoiceKind.PERIOD or invoice.is_edited:
        _grant_credit(session, invoice)
    if invoice.invoice_number is None:
        assign_number(session, organization, invoice, at=at)
    invoice.status = status_after_finalizing(present, invoice.total)
    invoice.finalized_at = at
    invoice.scheduled_finalize_at = None
    if invoice.status == InvoiceStatus.PAID:
        invoice.paid_at = at
    session.add(invoice)
    session.flush()
    customer_accounts.post_final_invoice(session, invoice, at=at, now=now)
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
        raise not_found("Invoice")
    if invoice.status != InvoiceStatus.OPEN or invoice.past_due_at or invoice.due_date > due_at:
        return
    at = clocks.acting_instant(session, subscription, due_at, now=now)
    invoice.past_due_at = at
    session.add(invoice)
    if subscription.status == SubscriptionStatus.ACTIVE:
        subscription.status = SubscriptionStatus.PAST_DUE
        session.add(subscription)
    stored_actions.insert_action(
        session,
        subscription,
        Happening.PAST_DUE,
        at=at,
        recorded_at=now,
        period_index=invoice.period_index,
        invoice_id=invoice.id,
    )
    session.flush()


def _bring_up_to_date(
    session: Session, subscription: Subscription, invoice: Invoice, *, at: datetime, now: datetime
) -> None:
    """Let a draft say what arrived in its grace, and what changed of earlier periods.

    A draft that people edited keeps what they wrote; its period is looked at again for what came
    in since it was drafted (CONTRACT 72).
    """
    stored = _period_of(session, invoice)
    if invoice.is_edited:
        stored_late_usage.mark_periods(session, subscription, [stored.index], now=now)
        return
    drafted = BillKey.of_invoice(invoice)
    revised = steps.revise_usage(session, drafted, now=now)
    bill = revised or drafted
    if revised is not None:
        steps.aggregate_usage(session, bill, now=now)
        steps.price_usage(session, bill, now=now)
        steps.enforce_limits(session, bill, now=now)
    frozen, terms = steps.load_frozen(session, bill)
    lines = steps.load(session, bill, steps.EVIDENCE, tuple[PricedLine, ...])
    composed = composition.compose_bill(
        session,
        subscription,
        lines,
        terms.currency,
        own_period=stored,
        draft=invoice,
        is_final=True,
    )
    if revised is not None or _may_say_else(session, subscription, composed, invoice):
        _replace_contents(session, invoice, composed.totals)
    if revised is not None:
        invoice.revision = stored.revision = bill.revision
        keep_receipt(session, bill, invoice, frozen, lines, now=now)
        session.add(stored)
    settle(
        session,
        subscription,
        composed.corrections,
        find_currency(terms.currency),
        at=at,
        now=now,
    )


def _may_say_else(
    session: Session, subscription: Subscription, composed: Bill, invoice: Invoice
) -> bool:
    """Whether a draft whose usage is as it was might still say something else than it does."""
    totals = composed.totals
    return bool(
        composed.corrections
        or stored_corrections.list_corrected_periods(session, subscription, invoice.id)
        or totals.granted_credit
        or invoice.granted_credit
        or totals.total != invoice.total
    )


@exactly
def _grant_credit(session: Session, invoice: Invoice) -> None:
    """Let an invoice that people wrote take the customer's credit, as its last line."""
    available = customer_accounts.available_credit(
        session, invoice.organization_id, invoice.customer_id, invoice.currency, lock=True
    )
    granted = min(available, invoice.total)
    if granted <= ZERO:
        return
    currency = find_currency(invoice.currency)
    add_line(session, invoice, round_line(credit_line(granted, currency), currency))
    invoice.subtotal -= granted
    invoice.total -= granted
    invoice.amount_due = invoice.total
    invoice.granted_credit = granted


def _replace_contents(session: Session, invoice: Invoice, totals: InvoiceTotals) -> None:
    stored_invoices.delete_contents(session, invoice.organization_id, invoice.id)
    set_totals(invoice, totals)
    session.add(invoice)
    write_contents(session, invoice, totals)


def _period_of(session: Session, invoice: Invoice) -> SubscriptionPeriod:
    assert invoice.subscription_id is not None
    assert invoice.period_index is not None
    stored = stored_subscriptions.find_period(
        session, invoice.organization_id, invoice.subscription_id, invoice.period_index
    )
    assert stored is not None
    return stored


def _record_finalized(
    session: Session, subscription: Subscription, invoice: Invoice, *, at: datetime, now: datetime
) -> None:
    if invoice.period_index is not None:
        stored = stored_subscriptions.find_period(
            session, invoice.organization_id, subscription.id, invoice.period_index
        )
        if stored is not None:
            stored.status = change_period_status(stored.status, PeriodStatus.FINAL)
            stored.parked_step = stored.parked_reason = None
            session.add(stored)
    stored_actions.insert_action(
        session,
        subscription,
        Happening.INVOICE_FINALIZED,
        at=at,
        recorded_at=now,
        period_index=invoice.period_index,
        invoice_id=invoice.id,
    )
