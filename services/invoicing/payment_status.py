"""What people decide about an invoice: finalize it, pay, credit, void, write it off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.invoices import (
    InvoiceStatus,
    require_transition,
    status_after_payment,
)
from billing.invoicing.kinds import InvoiceKind
from billing.money import ZERO, find_currency
from billing.notifications.events import WebhookEvent
from billing.subscriptions import PeriodStatus, SubscriptionStatus, change_period_status
from models.invoicing.credit_notes import CreditNote
from models.invoicing.invoices import Invoice
from repositories import customers as stored_customers
from repositories.invoicing import invoices as stored_invoices
from repositories.subscriptions import subscriptions as stored_subscriptions
from services import customer_accounts
from services.announcements import announce_invoice
from services.audit_log import record
from services.corrections import credit_notes, late_usage
from services.corrections.credit_notes import CreditedLine
from services.corrections.said import forgive_said
from services.documents.locks import lock_invoice
from services.invoicing import finalize as finalization
from services.subscriptions import agenda, clocks


def finalize(
    session: Session, organization_id: UUID, invoice_id: UUID, *, now: datetime
) -> Invoice:
    """The invoice is OPEN, or PAID where nothing is owed. Idempotent on OPEN (CONTRACT 56)."""
    present = _present(session, organization_id, invoice_id, now=now)
    former, _ = lock_invoice(session, organization_id, invoice_id)
    was_draft = former.status == InvoiceStatus.DRAFT
    invoice = finalization.finalize_invoice(
        session, organization_id, invoice_id, due_at=present, now=now
    )
    if was_draft:
        _settle(session, invoice, "invoice.finalized", now=now)
    return invoice


def pay(session: Session, organization_id: UUID, invoice_id: UUID, *, now: datetime) -> Invoice:
    """The invoice is PAID in full. Idempotent on PAID; raises InvalidTransition otherwise."""
    present = _present(session, organization_id, invoice_id, now=now)
    invoice, _ = lock_invoice(session, organization_id, invoice_id)
    if invoice.status == InvoiceStatus.PAID:
        return invoice
    invoice.status = status_after_payment(InvoiceStatus(invoice.status))
    invoice.amount_paid = invoice.amount_due
    invoice.amount_due = find_currency(invoice.currency).round(ZERO)
    invoice.paid_at = present
    session.add(invoice)
    announce_invoice(session, invoice, WebhookEvent.INVOICE_PAID, at=present, now=now)
    _settle(session, invoice, "invoice.paid", now=now)
    return invoice


def credit(
    session: Session,
    organization_id: UUID,
    invoice_id: UUID,
    lines: Sequence[CreditedLine],
    *,
    reason: str,
    now: datetime,
) -> CreditNote:
    """Part of an issued invoice is given back, and the subscription follows if nothing is due.

    The same note asked for again within a minute is the one that was made: a repeat has one effect.
    """
    present = _present(session, organization_id, invoice_id, now=now)
    made = credit_notes.find_repeated(
        session, organization_id, invoice_id, lines, reason=reason, at=present, now=now
    )
    if made is not None:
        return made
    note = credit_notes.credit_invoice(
        session, organization_id, invoice_id, lines, reason=reason, at=present, now=now
    )
    invoice, _ = lock_invoice(session, organization_id, invoice_id)
    _follow(session, invoice, now=now)
    return note


def change_status(
    session: Session,
    organization_id: UUID,
    invoice_id: UUID,
    wanted: InvoiceStatus,
    *,
    note: str | None,
    settles_again: bool = True,
    now: datetime,
) -> Invoice:
    """The invoice is in another state, and says from which, when and why.

    What a voided invoice had settled is settled again by another one, unless ``settles_again`` is
    false (CONTRACT 85). Raises InvalidTransition for a move that CONTRACT 4.8 does not draw, the
    same state included.
    """
    invoice, _ = lock_invoice(session, organization_id, invoice_id)
    former = InvoiceStatus(invoice.status)
    require_transition(former, wanted)
    present = _present(session, organization_id, invoice_id, now=now)
    match wanted:
        case InvoiceStatus.OPEN:
            finalize(session, organization_id, invoice_id, now=now)
        case InvoiceStatus.PAID:
            pay(session, organization_id, invoice_id, now=now)
        case InvoiceStatus.VOID:
            _void(session, invoice, settles_again=settles_again, at=present, now=now)
        case _:
            invoice.status = wanted
            session.add(invoice)
            _settle(session, invoice, f"invoice.{wanted.value.lower()}", now=now)
    changed = {"status_change_timestamp": present.isoformat(), "previous_status": former.value}
    if note is not None:
        changed["status_change_note"] = note
    invoice.meta_data = {**invoice.meta_data, **changed}
    session.add(invoice)
    session.flush()
    return invoice


def _void(
    session: Session, invoice: Invoice, *, settles_again: bool, at: datetime, now: datetime
) -> None:
    """The invoice has no effect any more: what it took and what it settled is free again."""
    invoice.status = InvoiceStatus.VOID
    invoice.amount_due = find_currency(invoice.currency).round(ZERO)
    invoice.voided_at = at
    session.add(invoice)
    session.flush()
    customer_accounts.return_granted(session, invoice, at=at, now=now)
    announce_invoice(session, invoice, WebhookEvent.INVOICE_VOIDED, at=at, now=now)
    if invoice.subscription_id is not None:
        _free_periods(
            session, invoice, invoice.subscription_id, settles_again=settles_again, now=now
        )
    _settle(session, invoice, "invoice.void", now=now)


def _free_periods(
    session: Session,
    invoice: Invoice,
    subscription_id: UUID,
    *,
    settles_again: bool,
    now: datetime,
) -> None:
    subscription = stored_subscriptions.lock_subscription(
        session, invoice.organization_id, subscription_id
    )
    assert subscription is not None
    if invoice.kind == InvoiceKind.PERIOD and invoice.period_index is not None:
        stored = stored_subscriptions.find_period(
            session, invoice.organization_id, subscription_id, invoice.period_index
        )
        if stored is not None:
            stored.status = change_period_status(stored.status, PeriodStatus.VOID)
            session.add(stored)
            session.flush()
    if not settles_again:
        forgive_said(session, subscription, invoice)
    late_usage.mark_again(session, subscription, invoice, settles_again=settles_again, now=now)


def _settle(session: Session, invoice: Invoice, action: str, *, now: datetime) -> None:
    """Record a change of state, and let the subscription and its workflow follow it."""
    session.flush()
    record(
        session,
        invoice.organization_id,
        action,
        "invoice",
        invoice.id,
        after={"status": invoice.status},
        now=now,
    )
    _follow(session, invoice, now=now)


def _follow(session: Session, invoice: Invoice, *, now: datetime) -> None:
    if invoice.subscription_id is None:
        return
    subscription = stored_subscriptions.lock_subscription(
        session, invoice.organization_id, invoice.subscription_id
    )
    if subscription is None:
        return
    is_overdue = stored_invoices.has_overdue(session, invoice.organization_id, subscription.id)
    if subscription.status == SubscriptionStatus.PAST_DUE and not is_overdue:
        subscription.status = SubscriptionStatus.ACTIVE
        session.add(subscription)
        session.flush()
    agenda.wake_workflow(session, subscription, now=now)


def _present(
    session: Session, organization_id: UUID, invoice_id: UUID, *, now: datetime
) -> datetime:
    invoice, _ = lock_invoice(session, organization_id, invoice_id)
    customer = stored_customers.find_customer(session, organization_id, invoice.customer_id)
    clock_id = customer.test_clock_id if customer else None
    return clocks.present_of(session, organization_id, clock_id, now=now)
