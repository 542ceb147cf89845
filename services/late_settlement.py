"""Late usage that settles by itself: an invoice for more, a credit note for less (CONTRACT 48)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.errors import NotFound
from billing.invoicing import InvoiceStatus
from billing.lines import PricedLine
from billing.money import ZERO
from models.base import new_id
from models.invoices import Invoice
from models.subscriptions import Subscription, SubscriptionPeriod
from repositories import credit_notes, invoices, late_usage, organizations, subscriptions
from services import clocks, invoicing
from services import credit_notes as crediting
from services.credit_notes import CREDITABLE, CreditedLine
from services.invoice_contents import write_contents
from services.late_usage import late_line_of
from services.usage import measure_usage

REASON = "Usage was corrected after the invoice was final."


def settle_late_usage(
    session: Session,
    organization_id: UUID,
    subscription_id: UUID,
    *,
    due_at: datetime,
    now: datetime,
) -> None:
    """Every final period says what its usage comes to now, and nothing of it is looked at again.

    Idempotent: what is billed already is taken off, and the watermark moves on in the same
    transaction, under the lock that arrivals wait for.
    """
    subscription = subscriptions.lock_subscription(session, organization_id, subscription_id)
    if subscription is None:
        raise NotFound("Subscription not found.", code="subscription_not_found")
    present = measure_usage(session, organization_id, subscription.customer_id, ())
    changed = late_usage.list_changed_periods(session, subscription)
    if not changed:
        return
    at = clocks.acting_instant(session, subscription, due_at, now=now)
    more: list[PricedLine] = []
    for stored in changed:
        line = late_line_of(session, subscription, stored)
        if line is not None and line.exact_amount > ZERO:
            more.append(line)
        elif line is not None:
            _credit(session, subscription, stored, -line.exact_amount, at=at, now=now)
        stored.settled_watermark = present.watermark
        session.add(stored)
    if more:
        _invoice(session, subscription, more, at=at, now=now)
    session.flush()


def _invoice(
    session: Session,
    subscription: Subscription,
    lines: Sequence[PricedLine],
    *,
    at: datetime,
    now: datetime,
) -> None:
    organization = organizations.get_organization(session, subscription.organization_id)
    customer = invoicing.get_customer(session, subscription)
    totals = invoicing.total_lines(session, customer, tuple(lines), lines[0].currency)
    invoice = Invoice(
        organization_id=organization.id,
        id=new_id(),
        customer_id=subscription.customer_id,
        subscription_id=subscription.id,
        kind="late_usage",
        status=InvoiceStatus.OPEN,
        currency=totals.currency,
        subtotal=ZERO,
        tax=ZERO,
        total=ZERO,
        amount_due=ZERO,
        amount_paid=ZERO,
        tax_status=totals.tax_status,
        timezone=subscription.timezone,
        issue_date=at,
        due_date=at + timedelta(days=organization.payment_terms_days),
        finalized_at=at,
        created_at=now,
    )
    invoicing.set_totals(invoice, totals)
    invoicing.assign_number(session, organization, invoice, at=at)
    session.add(invoice)
    session.flush()
    write_contents(session, invoice, totals)
    subscriptions.insert_action(
        session,
        subscription,
        "late_usage_settled",
        at=at,
        recorded_at=now,
        invoice_id=invoice.id,
    )


def _credit(
    session: Session,
    subscription: Subscription,
    stored: SubscriptionPeriod,
    amount: Decimal,
    *,
    at: datetime,
    now: datetime,
) -> None:
    invoice = invoices.find_period_invoice(
        session, subscription.organization_id, subscription.id, stored.index
    )
    if invoice is None or invoice.status not in CREDITABLE:
        return
    lines = _share_out(session, invoice, amount)
    if not lines:
        return
    crediting.credit_invoice(
        session,
        subscription.organization_id,
        invoice.id,
        lines,
        reason=REASON,
        at=at,
        now=now,
        kind="late_usage",
    )
    subscriptions.insert_action(
        session,
        subscription,
        "late_usage_settled",
        at=at,
        recorded_at=now,
        period_index=stored.index,
        invoice_id=invoice.id,
    )


def _share_out(session: Session, invoice: Invoice, amount: Decimal) -> list[CreditedLine]:
    """Lines that give the amount back, the first ones first, each up to what is left of it."""
    rows = invoices.list_lines(session, invoice.organization_id, [invoice.id])
    given = credit_notes.sum_credited_lines(
        session, invoice.organization_id, [row.id for row in rows]
    )
    lines: list[CreditedLine] = []
    for row in rows:
        part = min(amount, row.line_total - given.get(row.id, ZERO))
        if row.charge_id is not None and part > ZERO:
            lines.append(CreditedLine(line_id=row.id, amount=part))
            amount -= part
    return lines
