"""What an invoice is due: the one place where money, notes and voids change it.

``amount_due`` is the total less what was credited and paid, and what was refunded on top; the
database holds every final invoice to that. Source: CONTRACT 4.8, 28, 55, section 6 (Payments).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.invoicing.invoices import InvoiceStatus, status_after_payment
from billing.invoicing.kinds import InvoiceKind
from billing.money import ZERO, exactly, find_currency
from billing.notifications.events import WebhookEvent
from billing.subscriptions import SubscriptionStatus
from models.invoicing.invoices import Invoice
from models.payments.payments import Payment, Refund
from repositories.invoicing import invoices as stored_invoices
from repositories.payments import payments as stored_payments
from repositories.subscriptions import subscriptions as stored_subscriptions
from services import customer_accounts
from services.account_postings import key_of
from services.announcements import announce_invoice
from services.audit_log import record
from services.credits import purchases
from services.payments import collections, links
from services.subscriptions import agenda

PAYABLE = frozenset({InvoiceStatus.OPEN, InvoiceStatus.PAID, InvoiceStatus.UNCOLLECTIBLE})

GIVEN_UP = (InvoiceKind.PURCHASE, InvoiceStatus.UNCOLLECTIBLE)


def takes(invoice: Invoice) -> Decimal:
    """How much the invoice would take of a payment now; a paid one what was refunded of it."""
    return invoice.amount_due if invoice.status in PAYABLE else ZERO


@exactly
def apply_payment(
    session: Session, invoice: Invoice, payment: Payment, *, at: datetime, now: datetime
) -> None:
    """The payment settles what it can of its invoice; the rest is the customer's credit.

    The invoice is PAID once nothing is due. Both rows are locked, the payment has succeeded.
    """
    is_written_off = invoice.status == InvoiceStatus.UNCOLLECTIBLE
    void_lapsed(session, invoice, at=at, now=now)
    taken = min(payment.amount, takes(invoice))
    customer_accounts.post_payment(session, payment, taken, recovers=is_written_off, at=at, now=now)
    _give(session, invoice, payment, taken, at=at, now=now)


@exactly
def take_back(
    session: Session,
    invoice: Invoice,
    payment: Payment,
    made: Refund,
    *,
    at: datetime,
    now: datetime,
) -> None:
    """What a refund took off a payment is off the invoice that had it.

    What no note gave back before is due again, of an uncollectible invoice as bad debt.
    """
    due_again = made.from_invoice - made.against_notes
    payment.refunded_amount += made.amount - made.excess_amount
    payment.excess_amount += made.excess_amount
    payment.applied_amount -= made.from_invoice
    invoice.amount_refunded += made.from_invoice
    invoice.amount_credited += made.against_notes
    invoice.amount_due += due_again
    session.add(payment)
    session.add(invoice)
    session.flush()
    customer_accounts.post_refund(session, payment, made, at=at, now=now)
    if invoice.status == InvoiceStatus.UNCOLLECTIBLE:
        key = f"{key_of(made)}/due"
        customer_accounts.write_off(session, invoice, due_again, key=key, at=at, now=now)
    links.follow_due(session, invoice, now=now)


@exactly
def give_again(
    session: Session,
    invoice: Invoice,
    payment: Payment,
    made: Refund,
    *,
    at: datetime,
    now: datetime,
) -> None:
    """What a refund did not bring to the customer is with the payment again, as if it came now.

    The invoice has as much of it as it is due by now: all, unless it was paid or voided meanwhile.
    """
    payment.refunded_amount -= made.amount - made.excess_amount
    payment.excess_amount -= made.excess_amount
    void_lapsed(session, invoice, at=at, now=now)
    invoice.amount_refunded -= made.from_invoice
    invoice.amount_paid -= made.from_invoice
    invoice.amount_credited -= made.against_notes
    if invoice.status in PAYABLE:
        invoice.amount_due += made.against_notes
    taken = min(made.from_invoice, takes(invoice))
    is_written_off = invoice.status == InvoiceStatus.UNCOLLECTIBLE
    customer_accounts.post_failed_refund(
        session, payment, made, taken, recovers=is_written_off, at=at, now=now
    )
    _give(session, invoice, payment, taken, at=at, now=now)


@exactly
def _give(
    session: Session,
    invoice: Invoice,
    payment: Payment,
    taken: Decimal,
    *,
    at: datetime,
    now: datetime,
) -> None:
    """The invoice has that much of the payment, and is PAID if nothing is due any more."""
    payment.applied_amount += taken
    invoice.amount_paid += taken
    invoice.amount_due -= taken
    session.add(payment)
    session.add(invoice)
    session.flush()
    if taken > ZERO and _close_if_settled(session, invoice, at=at, now=now):
        purchases.begin_paid(session, invoice, at=at, now=now)
        settle(session, invoice, "invoice.paid", now=now)
    links.follow_due(session, invoice, now=now)


@exactly
def credit(
    session: Session,
    invoice: Invoice,
    amount: Decimal,
    *,
    credit_note_id: UUID,
    at: datetime,
    now: datetime,
) -> None:
    """A credit note lowers what is due, as far as something is; the invoice may be PAID by it.

    What it gives back beyond that was paid already, and is refunded.
    """
    credited = min(amount, takes(invoice))
    if invoice.status == InvoiceStatus.UNCOLLECTIBLE:
        customer_accounts.restore(
            session, invoice, credited, because_of=credit_note_id, at=at, now=now
        )
    invoice.amount_credited += credited
    invoice.amount_due -= credited
    # Credit that is not paid for is given up: the invoice that sold it stays what it is.
    is_given_up = (invoice.kind, invoice.status) == GIVEN_UP
    if invoice.status in PAYABLE and not is_given_up:
        _close_if_settled(session, invoice, at=at, now=now)
    session.add(invoice)
    session.flush()
    links.follow_due(session, invoice, now=now)


@exactly
def release(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> None:
    """Nothing is due of an invoice that is void, and what was paid on it is the customer's credit.

    The caller has not changed its status yet. What is on its way back stays what it is.
    """
    if invoice.status == InvoiceStatus.UNCOLLECTIBLE:
        customer_accounts.restore(
            session, invoice, invoice.amount_due, because_of=invoice.id, at=at, now=now
        )
    paid = stored_payments.list_of_invoice(session, invoice.organization_id, invoice.id)
    for payment in paid:
        customer_accounts.release_payment(session, payment, at=at, now=now)
    # All at once: a statement in between would store a sum that does not hold yet.
    for payment in paid:
        invoice.amount_paid -= payment.applied_amount
        payment.applied_amount = ZERO
        session.add(payment)
    invoice.status = InvoiceStatus.VOID
    invoice.paid_at = None
    invoice.amount_due = find_currency(invoice.currency).round(ZERO)
    invoice.voided_at = at
    session.add(invoice)
    session.flush()
    links.follow_due(session, invoice, now=now)


def void_lapsed(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> None:
    """Credit that the invoice sells, and whose time was over before it was paid, is not owed."""
    row = purchases.lock_sold(session, invoice, at=at, now=now)
    if row is None or invoice.status == InvoiceStatus.VOID:
        return
    if purchases.has_lapsed(session, row, at=at):
        void_purchase(session, invoice, at=at, now=now)


def void_purchase(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> None:
    """Credit that has not begun never will, and its invoice is void. It is locked."""
    row = purchases.lock_sold(session, invoice, at=at, now=now)
    if row is not None:
        purchases.take_back(session, row, at=at, now=now)
    if invoice.status == InvoiceStatus.VOID:
        return
    release(session, invoice, at=at, now=now)
    announce_invoice(session, invoice, WebhookEvent.INVOICE_VOIDED, at=at, now=now)
    settle(session, invoice, "invoice.void", now=now)


def fail_top_up(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> bool:
    """The invoice topped credit up and was declined: it is void, and never charged again.

    False where it is of no try that is open. The invoice is locked.
    """
    if purchases.lock_sold(session, invoice, at=at, now=now) is None:
        return False
    if not purchases.fail_top_up(session, invoice.organization_id, invoice.id, at=at, now=now):
        return False
    void_purchase(session, invoice, at=at, now=now)
    return True


def write_off(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> None:
    """What is due is bad debt from now on; it can still be paid."""
    due = invoice.amount_due
    customer_accounts.write_off(session, invoice, due, key=str(invoice.id), at=at, now=now)
    invoice.status = InvoiceStatus.UNCOLLECTIBLE
    session.add(invoice)
    session.flush()


def settle(session: Session, invoice: Invoice, action: str, *, now: datetime) -> None:
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
    follow(session, invoice, now=now)


def follow(session: Session, invoice: Invoice, *, now: datetime) -> None:
    """The subscription is ACTIVE again if nothing is overdue, and the workflows look.

    One that was paused because nobody paid goes on as soon as nothing is due of what paused it.
    """
    collections.follow(session, invoice, now=now)
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
    collections.plan_resumption(session, subscription, invoice, now=now)
    agenda.wake_workflow(session, subscription, now=now)


def _close_if_settled(session: Session, invoice: Invoice, *, at: datetime, now: datetime) -> bool:
    """The invoice is PAID if nothing is left to pay, so that nobody is asked for it any more.

    Whether it became so now.
    """
    invoice.amount_due = find_currency(invoice.currency).round(invoice.amount_due)
    session.add(invoice)
    if invoice.amount_due != ZERO or invoice.status == InvoiceStatus.PAID:
        return False
    invoice.status = status_after_payment(InvoiceStatus(invoice.status))
    invoice.paid_at = at
    announce_invoice(session, invoice, WebhookEvent.INVOICE_PAID, at=at, now=now)
    return True
