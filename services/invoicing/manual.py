"""Invoices that people write: by hand from the first line, or as edits of a draft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.date_limits import LONGEST_PLAN, require_between
from billing.errors import Conflict, InvalidInput, NotFound
from billing.invoicing.invoices import InvoiceStatus, InvoiceTotals, require_editable
from billing.invoicing.kinds import InvoiceKind
from billing.invoicing.plain_lines import manual_line
from billing.money import Currency, find_currency
from billing.subscriptions import PeriodStatus, change_period_status
from models.customers import Customer
from models.invoicing.invoices import Invoice
from repositories import customers as stored_customers
from repositories.accounts import organizations as stored_organizations
from repositories.invoicing import invoices as stored_invoices
from repositories.subscriptions import subscriptions as stored_subscriptions
from services.audit_log import record
from services.documents.contents import write_contents
from services.documents.locks import lock_invoice
from services.invoicing import composition, drafts
from services.invoicing.prepaid.available import Totaling
from services.required import require_customer
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
    # What is issued again is due as it was, however long ago; nobody says a date.
    if reissue_of is None:
        require_between(command.due_date, at - LONGEST_PLAN, at + LONGEST_PLAN, field="due_date")
    totals = _total(session, customer, command.lines, currency, at=at)
    invoice = drafts.new_invoice(
        organization,
        customer.id,
        totals,
        kind=InvoiceKind.MANUAL,
        subscription=None,
        at=at,
        now=now,
    )
    invoice.subscription_id = command.subscription_id
    invoice.due_date = command.due_date
    invoice.reissue_of = reissue_of
    drafts.add_invoices(session, [(organization, invoice, totals)], now=now)
    _record(session, invoice, "invoice.created", now=now)
    return invoice


def edit_draft(
    session: Session, organization_id: UUID, invoice_id: UUID, edit: DraftEdit, *, now: datetime
) -> Invoice:
    """The draft says what it was told; a period's draft is then not rated again (CONTRACT 72).

    Raises InvalidTransition for anything but a draft, and Conflict ``invoiced_before`` for lines of
    a draft that takes off what invoices of its period billed.
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
        _require_not_billed(session, invoice)
        currency = find_currency(invoice.currency)
        totals = _total(session, customer, edit.lines, currency, at=invoice.issue_date)
        stored_invoices.delete_contents(session, [(organization_id, invoice.id)])
        drafts.set_totals(invoice, totals)
        invoice.is_edited = True
        write_contents(session, [(invoice, totals)])
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
        agenda.wake_workflow(session, subscription, now=now)
    session.delete(invoice)
    session.flush()


def _require_not_billed(session: Session, invoice: Invoice) -> None:
    """Lines that people write name no charges, so nobody could say what of each was billed before.

    Raises Conflict.
    """
    if invoice.subscription_id is None or invoice.period_index is None:
        return
    stored = stored_subscriptions.find_period(
        session, invoice.organization_id, invoice.subscription_id, invoice.period_index
    )
    if stored is not None and stored.threshold_steps > 0:
        raise Conflict(
            "Invoices billed the period as it ran, so its lines are not written by hand.",
            code="invoiced_before",
            field="line_items",
        )


def _total(
    session: Session,
    customer: Customer,
    lines: Sequence[ManualLine],
    currency: Currency,
    *,
    at: datetime,
) -> InvoiceTotals:
    priced = tuple(
        manual_line(line.description, line.quantity, line.unit_amount, currency) for line in lines
    )
    return composition.total_manual(
        session, Totaling(customer=customer, lines=priced, currency=currency.code, at=at)
    )


def _get_taxable_customer(session: Session, organization_id: UUID, customer_id: UUID) -> Customer:
    customer = require_customer(
        stored_customers.find_customer(session, organization_id, customer_id), field="customer_id"
    )
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
