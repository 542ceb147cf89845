"""Payments: written before anybody is asked, settled once, whoever tells of them how often.

A payment is what a person says was paid, what a gateway's page took, or a try to charge a saved
method. Source: CONTRACT 60, section 6 (Payments).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict
from billing.invoicing.invoices import InvoiceStatus
from billing.money import ZERO, find_currency
from billing.payments.amounts import require_amount
from billing.payments.kinds import NOT_CHARGED, PaymentKind, PaymentStatus
from models.base import new_id
from models.invoicing.invoices import Invoice
from models.payments.payments import Payment
from repositories import customers as stored_customers
from repositories.payments import payments as stored_payments
from services.announcements import announce_failed_payment
from services.audit_log import record
from services.documents.locks import lock_invoice
from services.payments import collections, links, receivables, repeats
from services.subscriptions import clocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a person says of money that came in."""

    amount: Decimal
    method: str | None = None
    reference: str | None = None
    keeps_surplus: bool = False
    """Whether what is too much becomes the customer's credit."""


def record_by_hand(
    session: Session, organization_id: UUID, invoice_id: UUID, told: Told, *, now: datetime
) -> Payment:
    """Money that came in another way is recorded, and settles the invoice as far as it goes.

    The same told again within a minute is the payment that was recorded. Raises as
    :func:`take_by_hand`, and NotFound.
    """
    invoice, _ = lock_invoice(session, organization_id, invoice_id)
    require_amount(told.amount, find_currency(invoice.currency))
    at = present_of(session, invoice, now=now)
    said = (told.amount, told.method, told.reference)
    made = repeats.find_payment(session, organization_id, invoice_id, said, at=at, now=now)
    return made or take_by_hand(session, invoice, told, now=now)


def take_by_hand(session: Session, invoice: Invoice, told: Told, *, now: datetime) -> Payment:
    """A payment of that much has succeeded on the invoice, whose lock is held.

    Raises InvalidInput for an amount that is none of the currency, Conflict ``invoice_not_payable``
    for a draft or a void invoice, ``overpayment`` for more than is due unless the surplus is to be
    kept.
    """
    require_amount(told.amount, find_currency(invoice.currency))
    at = present_of(session, invoice, now=now)
    receivables.void_lapsed(session, invoice, at=at, now=now)
    if invoice.status in {InvoiceStatus.DRAFT, InvoiceStatus.VOID}:
        raise Conflict(
            f"Nothing can be paid on a {invoice.status} invoice.", code="invoice_not_payable"
        )
    due = receivables.takes(invoice)
    if told.amount > due and not told.keeps_surplus:
        raise Conflict(
            f'{_say_what_is_due(session, invoice, due)} Send "surplus": "credit" to keep what'
            " is too much as the customer's credit.",
            code="overpayment",
            field="amount",
        )
    payment = begin(
        session,
        invoice,
        kind=PaymentKind.MANUAL,
        amount=told.amount,
        method=told.method,
        reference=told.reference,
        at=at,
        now=now,
    )
    succeed(session, invoice, payment, at=at, now=now)
    return payment


def _say_what_is_due(session: Session, invoice: Invoice, due: Decimal) -> str:
    """In one sentence: how much, or what has paid all of it."""
    if due > ZERO:
        return f"{due} is due."
    made = stored_payments.list_of_invoice(session, invoice.organization_id, invoice.id)
    paid = [
        f"{find_currency(one.currency).round(one.applied_amount)} by {one.method or one.kind}"
        + (f" ({one.reference})" if one.reference else "")
        for one in made
        if one.applied_amount > ZERO
    ]
    return f"The invoice is paid: {', '.join(paid)}." if paid else "Nothing is due."


def begin(
    session: Session,
    invoice: Invoice,
    *,
    kind: PaymentKind,
    amount: Decimal,
    connection_id: UUID | None = None,
    method: str | None = None,
    reference: str | None = None,
    at: datetime,
    now: datetime,
) -> Payment:
    """The next attempt to pay the invoice is a row, and nobody else is asked before it is stored.

    The invoice's lock is held. The key is the attempt's: whoever repeats it means the same money.
    """
    attempt = stored_payments.find_last_attempt(session, invoice.organization_id, invoice.id) + 1
    payment = Payment(
        organization_id=invoice.organization_id,
        id=new_id(),
        invoice_id=invoice.id,
        customer_id=invoice.customer_id,
        connection_id=connection_id,
        attempt=attempt,
        kind=kind,
        method=method,
        reference=reference,
        amount=amount,
        currency=invoice.currency,
        status=PaymentStatus.PENDING,
        idempotency_key=f"{invoice.id}/{attempt}",
        at=at,
        created_at=now,
    )
    session.add(payment)
    session.flush()
    return payment


def succeed(
    session: Session, invoice: Invoice, payment: Payment, *, at: datetime, now: datetime
) -> None:
    """The money is there: the invoice has what it is due of it, the customer the rest.

    Idempotent: a payment that has succeeded stays as it is. One that was told to have failed has
    succeeded all the same, for money that is there counts.
    """
    if payment.status == PaymentStatus.SUCCEEDED:
        return
    payment.status = PaymentStatus.SUCCEEDED
    payment.settled_at = at
    session.add(payment)
    receivables.apply_payment(session, invoice, payment, at=at, now=now)
    if payment.kind == PaymentKind.SAVED_METHOD and invoice.status != InvoiceStatus.PAID:
        collections.follow(session, invoice, now=now)
    _record(session, payment, "payment.succeeded", now=now)


def fail(
    session: Session, invoice: Invoice, payment: Payment, *, at: datetime, now: datetime
) -> None:
    """The money did not come; the invoice stays as it is, and whoever listens is told why.

    Idempotent, as :func:`succeed` is. Source: CONTRACT 60.
    """
    if payment.status != PaymentStatus.PENDING:
        return
    payment.status = PaymentStatus.FAILED
    payment.settled_at = at
    session.add(payment)
    session.flush()
    if payment.error_code != NOT_CHARGED:
        announce_failed_payment(session, invoice, payment, at=at, now=now)
    is_over = payment.kind == PaymentKind.SAVED_METHOD and receivables.fail_top_up(
        session, invoice, at=at, now=now
    )
    if not is_over:
        # While a saved method is charged there is no page; now the customer needs one.
        links.follow_due(session, invoice, now=now)
        collections.begin_again(session, invoice, now=now)
    _record(session, payment, "payment.failed", now=now)


def present_of(session: Session, invoice: Invoice, *, now: datetime) -> datetime:
    """The present of the invoice's customer: the wall's, or their clock's."""
    customer = stored_customers.find_customer(session, invoice.organization_id, invoice.customer_id)
    clock_id = customer.test_clock_id if customer else None
    return clocks.present_of(session, invoice.organization_id, clock_id, now=now)


def _record(session: Session, payment: Payment, action: str, *, now: datetime) -> None:
    record(
        session,
        payment.organization_id,
        action,
        "payment",
        payment.id,
        after={
            "invoice_id": payment.invoice_id,
            "amount": payment.amount,
            "currency": payment.currency,
            "kind": payment.kind,
        },
        now=now,
    )
