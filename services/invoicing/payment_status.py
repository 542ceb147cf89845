"""What people decide about an invoice: finalize it, pay, credit, void, write it off."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import InvalidInput
from billing.invoicing.invoices import (
    InvoiceStatus,
    require_transition,
    require_voidable,
    status_after_payment,
)
from billing.invoicing.kinds import InvoiceKind
from billing.notifications.events import WebhookEvent
from billing.subscriptions import PeriodStatus, change_period_status
from models.invoicing.credit_notes import CreditNote
from models.invoicing.invoices import Invoice
from repositories.subscriptions import subscriptions as stored_subscriptions
from services import customer_accounts
from services.announcements import announce_invoice
from services.corrections import credit_notes, marks, purchases
from services.corrections.credit_notes import CreditedLine
from services.corrections.said import forgive_said
from services.credits.drawing import return_draws
from services.discounts.uses import give_back_uses
from services.documents.locks import lock_invoice
from services.invoicing import finalize as finalization
from services.payments import links, receivables, recording
from services.payments.recording import present_of


def finalize(
    session: Session, organization_id: UUID, invoice_id: UUID, *, now: datetime
) -> Invoice:
    """The invoice is OPEN, or PAID where nothing is owed, and a link to pay it is made.

    Idempotent on OPEN (CONTRACT 56).
    """
    former, _ = lock_invoice(session, organization_id, invoice_id)
    present = present_of(session, former, now=now)
    was_draft = former.status == InvoiceStatus.DRAFT
    invoice = finalization.finalize_invoice(
        session, organization_id, invoice_id, due_at=present, now=now
    )
    if was_draft:
        receivables.settle(session, invoice, "invoice.finalized", now=now)
    else:
        # One that had none, because no gateway was connected, has a link after the fact.
        links.follow_due(session, invoice, now=now)
    return invoice


def pay(session: Session, organization_id: UUID, invoice_id: UUID, *, now: datetime) -> Invoice:
    """The invoice is PAID in full, by money that came in another way.

    Idempotent on PAID; raises InvalidTransition otherwise (CONTRACT 56).
    """
    invoice, _ = lock_invoice(session, organization_id, invoice_id)
    if invoice.status != InvoiceStatus.PAID:
        status_after_payment(InvoiceStatus(invoice.status))
        told = recording.Told(amount=invoice.amount_due)
        recording.take_by_hand(session, invoice, told, now=now)
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
    invoice, _ = lock_invoice(session, organization_id, invoice_id)
    purchases.require_no_purchase(invoice)
    present = present_of(session, invoice, now=now)
    made = credit_notes.find_repeated(
        session, organization_id, invoice_id, lines, reason=reason, at=present, now=now
    )
    if made is not None:
        return made
    note = credit_notes.credit_invoice(
        session, organization_id, invoice_id, lines, reason=reason, at=present, now=now
    )
    receivables.follow(session, invoice, now=now)
    return note


def change_status(
    session: Session,
    organization_id: UUID,
    invoice_id: UUID,
    wanted: InvoiceStatus,
    *,
    note: str | None,
    settles_again: bool = True,
    extend_days: int | None = None,
    now: datetime,
) -> Invoice:
    """The invoice is in another state, and says from which, when and why.

    What a voided invoice had settled is settled again by another one, unless ``settles_again`` is
    false (CONTRACT 85). What it drew from grants goes back to them; to those that are over for
    ``extend_days`` (CREDITS 16). An invoice that sold credit of which some was spent is not
    voided: a note leaves that due. Raises InvalidTransition for a move that CONTRACT 4.8 does not
    draw, the same state included.
    """
    invoice, _ = lock_invoice(session, organization_id, invoice_id)
    former = InvoiceStatus(invoice.status)
    _require_change(invoice, former, wanted)
    if extend_days is not None and wanted is not InvoiceStatus.VOID:
        raise InvalidInput("Only a void gives credit back.", field="extend_days")
    present = present_of(session, invoice, now=now)
    match wanted:
        case InvoiceStatus.OPEN:
            finalize(session, organization_id, invoice_id, now=now)
        case InvoiceStatus.PAID:
            pay(session, organization_id, invoice_id, now=now)
        case InvoiceStatus.VOID:
            _take_back(session, invoice, settles_again, extend_days, at=present, now=now)
        case _:
            receivables.write_off(session, invoice, at=present, now=now)
            purchases.give_up(session, invoice, at=present, now=now)
            receivables.settle(session, invoice, f"invoice.{wanted.value.lower()}", now=now)
    changed = {"status_change_timestamp": present.isoformat(), "previous_status": former.value}
    if note is not None:
        changed["status_change_note"] = note
    invoice.meta_data = {**invoice.meta_data, **changed}
    session.add(invoice)
    session.flush()
    return invoice


def _take_back(
    session: Session,
    invoice: Invoice,
    settles_again: bool,
    extend_days: int | None,
    *,
    at: datetime,
    now: datetime,
) -> None:
    """The invoice is void, unless it sold credit of which some was spent."""
    if purchases.keep_what_was_spent(session, invoice, at=at, now=now):
        return
    if invoice.is_drawn:
        # Wallets are locked before the account.
        return_draws(session, invoice, at=at, now=now, extend_days=extend_days)
    _void(session, invoice, settles_again=settles_again, at=at, now=now)


def _require_change(invoice: Invoice, former: InvoiceStatus, wanted: InvoiceStatus) -> None:
    if wanted is not InvoiceStatus.VOID:
        require_transition(former, wanted)
        return
    require_voidable(former, amount_paid=invoice.amount_paid, is_drawn=invoice.is_drawn)


def _void(
    session: Session, invoice: Invoice, *, settles_again: bool, at: datetime, now: datetime
) -> None:
    """The invoice has no effect any more: what it took and what it settled is free again."""
    give_back_uses(session, invoice)
    receivables.release(session, invoice, at=at, now=now)
    customer_accounts.return_granted(session, invoice, at=at, now=now)
    announce_invoice(session, invoice, WebhookEvent.INVOICE_VOIDED, at=at, now=now)
    if invoice.subscription_id is not None:
        _free_periods(
            session, invoice, invoice.subscription_id, settles_again=settles_again, now=now
        )
    receivables.settle(session, invoice, "invoice.void", now=now)


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
    marks.mark_again(session, subscription, invoice, settles_again=settles_again, now=now)
