"""What people do with invoices: write them by hand, edit drafts, finalize, pay, void, write off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.date_limits import LONGEST_PLAN, require_between
from billing.errors import InvalidInput, NotFound
from billing.invoicing.invoices import (
    InvoiceStatus,
    InvoiceTotals,
    manual_line,
    require_editable,
    require_transition,
    status_after_payment,
)
from billing.money import ZERO, Currency, find_currency
from billing.subscriptions import PeriodStatus, SubscriptionStatus, change_period_status
from models.base import new_id
from models.customers import Customer
from models.invoicing.credit_notes import CreditNote
from models.invoicing.invoices import Invoice
from repositories import customers as stored_customers
from repositories.accounts import organizations as stored_organizations
from repositories.invoicing import invoices as stored_invoices
from repositories.subscriptions import subscriptions as stored_subscriptions
from services import customer_accounts
from services.audit_log import record
from services.corrections import credit_notes, late_usage
from services.corrections.credit_notes import CreditedLine
from services.documents.contents import write_contents
from services.documents.locks import lock_invoice
from services.invoicing import composition, drafts
from services.invoicing import finalize as finalization
from services.subscriptions import agenda, clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualLine:
    """A line that somebody typed: ``quantity`` times ``unit_amount`` in major units."""

    description: str
    quantity: Decimal
    unit_amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualInvoice:
    """An invoice written by hand."""

    customer_id: UUID
    currency: str
    due_date: datetime
    lines: tuple[ManualLine, ...]
    subscription_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftEdit:
    """What to change of a draft; None leaves it as it is."""

    customer_id: UUID | None = None
    due_date: datetime | None = None
    lines: tuple[ManualLine, ...] | None = None


def create_invoice(
    session: Session,
    organization_id: UUID,
    command: ManualInvoice,
    *,
    reissue_of: UUID | None = None,
    now: datetime,
) -> Invoice:
    """A DRAFT that is finalized only when somebody asks for it.

    Raises NotFound for an unknown customer or subscription, InvalidInput for a customer without a
    billing country, whose tax nobody could know. Source: CONTRACT 3.9, 27.
    """
    customer = _get_taxable_customer(session, organization_id, command.customer_id)
    _require_subscription_of(session, customer, command.subscription_id)
    currency = find_currency(command.currency)
    organization = stored_organizations.get_organization(session, organization_id)
    at = clocks.present_of(session, organization_id, customer.test_clock_id, now=now)
    require_between(command.due_date, at - LONGEST_PLAN, at + LONGEST_PLAN, field="due_date")
    totals = _total(session, customer, command.lines, currency)
    invoice = Invoice(
        organization_id=organization_id,
        id=new_id(),
        customer_id=customer.id,
        subscription_id=command.subscription_id,
        kind="manual",
        status=InvoiceStatus.DRAFT,
        currency=currency.code,
        subtotal=ZERO,
        tax=ZERO,
        total=ZERO,
        amount_due=ZERO,
        amount_paid=ZERO,
        tax_status=totals.tax_status,
        timezone=organization.timezone,
        issue_date=at,
        due_date=command.due_date,
        reissue_of=reissue_of,
        created_at=now,
    )
    drafts.set_totals(invoice, totals)
    if organization.number_at == "draft":
        drafts.assign_number(session, organization, invoice, at=at)
    session.add(invoice)
    session.flush()
    write_contents(session, invoice, totals)
    _record(session, invoice, "invoice.created", now=now)
    return invoice


def edit_draft(
    session: Session, organization_id: UUID, invoice_id: UUID, edit: DraftEdit, *, now: datetime
) -> Invoice:
    """The draft says what it was told; a period's draft is then not rated again (CONTRACT 72).

    Raises InvalidTransition for anything but a draft.
    """
    invoice, _ = lock_invoice(session, organization_id, invoice_id)
    require_editable(InvoiceStatus(invoice.status))
    customer_id = edit.customer_id or invoice.customer_id
    customer = _get_taxable_customer(session, organization_id, customer_id)
    if customer.id != invoice.customer_id:
        # The draft of a subscription that was deleted meanwhile can still be mended.
        _require_subscription_of(session, customer, invoice.subscription_id)
    invoice.customer_id = customer.id
    if edit.due_date is not None:
        near = (invoice.issue_date - LONGEST_PLAN, invoice.issue_date + LONGEST_PLAN)
        require_between(edit.due_date, *near, field="due_date")
    invoice.due_date = edit.due_date or invoice.due_date
    if edit.lines is not None:
        totals = _total(session, customer, edit.lines, find_currency(invoice.currency))
        stored_invoices.delete_contents(session, organization_id, invoice.id)
        drafts.set_totals(invoice, totals)
        invoice.is_edited = True
        write_contents(session, invoice, totals)
    session.add(invoice)
    session.flush()
    _record(session, invoice, "invoice.edited", now=now)
    return invoice


def delete_draft(
    session: Session, organization_id: UUID, invoice_id: UUID, *, now: datetime
) -> None:
    """The draft is gone; the audit log explains its number, and its period is unbilled.

    It can be billed again, and so can what the draft was to settle of earlier periods. Raises
    InvalidTransition for anything but a draft. Source: CONTRACT 25, 85, 94.
    """
    invoice, subscription = lock_invoice(session, organization_id, invoice_id)
    require_editable(InvoiceStatus(invoice.status))
    _record(session, invoice, "invoice.deleted", now=now, number=invoice.invoice_number)
    if subscription is not None and invoice.period_index is not None:
        stored = stored_subscriptions.find_period(
            session, organization_id, subscription.id, invoice.period_index
        )
        if stored is not None:
            stored.status = change_period_status(stored.status, PeriodStatus.UNBILLED)
            stored.parked_step = stored.parked_reason = None
            session.add(stored)
        agenda.tell_owner(session, subscription, now=now)
    session.delete(invoice)
    session.flush()


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
    if invoice.kind == "period" and invoice.period_index is not None:
        stored = stored_subscriptions.find_period(
            session, invoice.organization_id, subscription_id, invoice.period_index
        )
        if stored is not None:
            stored.status = change_period_status(stored.status, PeriodStatus.VOID)
            session.add(stored)
            session.flush()
    if not settles_again:
        late_usage.forgive(session, subscription, invoice)
    late_usage.mark_again(session, subscription, invoice, settles_again=settles_again, now=now)


def _settle(session: Session, invoice: Invoice, action: str, *, now: datetime) -> None:
    """Record a change of state, and let the subscription and its owner follow it."""
    session.flush()
    _record(session, invoice, action, now=now)
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
    agenda.tell_owner(session, subscription, now=now)


def _total(
    session: Session, customer: Customer, lines: Sequence[ManualLine], currency: Currency
) -> InvoiceTotals:
    priced = tuple(
        manual_line(line.description, line.quantity, line.unit_amount, currency) for line in lines
    )
    return composition.total_manual(session, customer, priced, currency.code)


def _get_taxable_customer(session: Session, organization_id: UUID, customer_id: UUID) -> Customer:
    customer = stored_customers.find_customer(session, organization_id, customer_id)
    if customer is None or customer.deleted_at is not None:
        raise NotFound("Customer not found.", code="customer_not_found", field="customer_id")
    if customer.billing_address_country is None:
        raise InvalidInput(
            "The customer has no billing_address_country, so its tax is not known.",
            code="customer_without_country",
            field="customer_id",
        )
    return customer


def _require_subscription_of(
    session: Session, customer: Customer, subscription_id: UUID | None
) -> None:
    if subscription_id is None:
        return
    found = stored_subscriptions.find_subscription(
        session, customer.organization_id, subscription_id
    )
    if found is None or found.deleted_at is not None or found.customer_id != customer.id:
        raise NotFound(
            "The customer has no such subscription.",
            code="subscription_not_found",
            field="subscription_id",
        )


def _present(
    session: Session, organization_id: UUID, invoice_id: UUID, *, now: datetime
) -> datetime:
    invoice, _ = lock_invoice(session, organization_id, invoice_id)
    customer = stored_customers.find_customer(session, organization_id, invoice.customer_id)
    clock_id = customer.test_clock_id if customer else None
    return clocks.present_of(session, organization_id, clock_id, now=now)


def _record(
    session: Session, invoice: Invoice, action: str, *, now: datetime, number: str | None = None
) -> None:
    record(
        session,
        invoice.organization_id,
        action,
        "invoice",
        invoice.id,
        after={"status": invoice.status, **({"invoice_number": number} if number else {})},
        now=now,
    )
