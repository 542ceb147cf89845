"""A try to charge a saved method: a row before the gateway is asked, settled once after it was.

Nobody asks twice: while a try is pending there is no other, and what became of one is looked up by
its key before the same key is used again. Source: CONTRACT 60, section 6 (Payments).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from billing.errors import Unavailable
from billing.invoicing.invoices import InvoiceStatus
from billing.payments.dunning import CollectionAction
from billing.payments.gateways import GatewayPayment, SavedMethod
from billing.payments.kinds import NOT_CHARGED, PaymentKind, PaymentStatus
from models.invoicing.invoices import Invoice
from models.payments.payments import Payment
from repositories.payments import links as stored_links
from repositories.payments import payments as stored_payments
from services.documents.locks import lock_invoice
from services.dunning.gateway_requests import FORGOTTEN_AFTER
from services.dunning.schedule import lock_due
from services.payments import collections, events, links, receivables, recording
from services.payments.events import Verdict
from services.payments.methods import find_usable_method
from services.payments.recording import present_of
from services.payments.told import Unattributed, accept_payment, require_currency


def begin_attempt(
    session: Session,
    organization_id: UUID,
    invoice_id: UUID,
    *,
    due_at: datetime,
    now: datetime,
) -> UUID | None:
    """The payment that is tried now, as a row; None where the customer has saved no usable method.

    The invoice's link is closed until the end of it is known; without a method the try is let pass.
    Idempotent by the instant that it was due: repeated, it is None.
    """
    due = lock_due(
        session, organization_id, invoice_id, CollectionAction.CHARGE, due_at=due_at, now=now
    )
    if due is None:
        return None
    due.collection.charged_through = due.at
    session.add(due.collection)
    session.flush()
    usable = find_usable_method(session, organization_id, due.invoice.customer_id)
    if usable is None:
        receivables.fail_top_up(session, due.invoice, at=due.at, now=now)
        return None
    payment = recording.begin(
        session,
        due.invoice,
        kind=PaymentKind.SAVED_METHOD,
        amount=due.invoice.amount_due,
        connection_id=usable.connection_id,
        at=due.at,
        now=now,
    )
    links.follow_due(session, due.invoice, now=now)
    return payment.id


def claim_attempt(
    session: Session, organization_id: UUID, payment_id: UUID, *, now: datetime
) -> SavedMethod | None:
    """What is charged now, right before the gateway is asked; None once the try is settled.

    From here on the gateway may know of it: nobody gives it up for :data:`FORGOTTEN_AFTER`. One
    that nothing may be charged for any more has failed, unless an earlier request may be on its
    way: then it raises Unavailable.
    """
    invoice, payment = _lock(session, organization_id, payment_id)
    if payment.status != PaymentStatus.PENDING:
        return None
    method = _method_of(session, invoice, payment)
    if method is not None:
        payment.asked_at = now
        session.add(payment)
        session.flush()
    elif payment.asked_at is None or now - payment.asked_at >= FORGOTTEN_AFTER:
        _give_up(session, invoice, payment, now=now)
    else:
        raise Unavailable("A charge may still be on its way.", code="charge_unknown")
    return method


def withdraw_claim(
    session: Session, organization_id: UUID, payment_id: UUID, *, claimed_at: datetime
) -> None:
    """No gateway knows of the try after all: who claimed it first was refused at the door.

    Unless somebody has claimed it since then.
    """
    _, payment = _lock(session, organization_id, payment_id)
    if payment.status == PaymentStatus.PENDING and payment.asked_at == claimed_at:
        payment.asked_at = None
        session.add(payment)
        session.flush()


def drop_needless(
    session: Session, organization_id: UUID, invoice_id: UUID, *, now: datetime
) -> None:
    """A try that no gateway was asked for, of more than is due by now, has failed at once."""
    found = stored_payments.find_charge(session, organization_id, invoice_id)
    if found is None or found.asked_at is not None:
        return
    invoice, payment = _lock(session, organization_id, found.id)
    is_left = payment.status == PaymentStatus.PENDING and payment.asked_at is None
    if is_left and not _is_due(invoice, payment):
        _give_up(session, invoice, payment, now=now)


def settle_attempt(
    session: Session,
    organization_id: UUID,
    payment_id: UUID,
    told: GatewayPayment,
    *,
    now: datetime,
) -> None:
    """What the gateway tells of the try is recorded. Idempotent: an end is for good.

    Money in another currency is none of the invoice's: the try has failed, people look at it, and
    the method is charged no more.
    """
    invoice, payment = _lock(session, organization_id, payment_id)
    assert payment.connection_id is not None
    try:
        require_currency(invoice, told)
    except Unattributed as unattributed:
        _refuse_attempt(session, invoice, payment, told, unattributed.verdict, now=now)
        return
    # Whatever else it says: it was asked by this key.
    told = replace(told, idempotency_key=payment.idempotency_key)
    accept_payment(session, invoice, payment.connection_id, told, now=now)


def _refuse_attempt(
    session: Session,
    invoice: Invoice,
    payment: Payment,
    told: GatewayPayment,
    verdict: Verdict,
    *,
    now: datetime,
) -> None:
    assert payment.connection_id is not None
    key = (invoice.organization_id, payment.connection_id)
    verdict = replace(verdict, invoice_id=invoice.id, payment_id=payment.id)
    events.notice(session, key, events.payment_found(told), verdict, now=now)
    stored_links.mark_unusable(
        session,
        invoice.organization_id,
        invoice.customer_id,
        payment.connection_id,
        charged_since=payment.created_at,
        now=now,
    )
    error = verdict.reason or ""
    fail_attempt(
        session, invoice.organization_id, payment.id, code="other_currency", error=error, now=now
    )


def fail_attempt(
    session: Session,
    organization_id: UUID,
    payment_id: UUID,
    *,
    code: str,
    error: str,
    now: datetime,
) -> None:
    """The try came to nothing: the gateway refused to be asked."""
    invoice, payment = _lock(session, organization_id, payment_id)
    if payment.status == PaymentStatus.PENDING:
        _fail(session, invoice, payment, (code, error), now=now)


def _give_up(session: Session, invoice: Invoice, payment: Payment, *, now: datetime) -> None:
    told = (NOT_CHARGED, "Nothing was charged, and nothing is to be.")
    _fail(session, invoice, payment, told, now=now)


def _fail(
    session: Session, invoice: Invoice, payment: Payment, told: tuple[str, str], *, now: datetime
) -> None:
    payment.error_code, payment.error = told
    session.add(payment)
    session.flush()
    is_on_clock = present_of(session, invoice, now=now) != now
    recording.fail(session, invoice, payment, at=payment.at if is_on_clock else now, now=now)


def _lock(session: Session, organization_id: UUID, payment_id: UUID) -> tuple[Invoice, Payment]:
    """The try and its invoice, for the workflow that collects it and is told what came of it."""
    found = stored_payments.find_payment(session, organization_id, payment_id)
    assert found is not None
    collections.let_know(session, found.invoice_id)
    invoice, _ = lock_invoice(session, organization_id, found.invoice_id)
    payment = stored_payments.lock_payment(session, organization_id, payment_id)
    assert payment is not None
    return invoice, payment


def _is_due(invoice: Invoice, payment: Payment) -> bool:
    """Whether all of the try is due, of an invoice that nobody paid, voided or wrote off."""
    return invoice.status == InvoiceStatus.OPEN and invoice.amount_due >= payment.amount


def _method_of(session: Session, invoice: Invoice, payment: Payment) -> SavedMethod | None:
    """The method that the try charges, unless less is due by now or another one was saved."""
    usable = find_usable_method(session, invoice.organization_id, invoice.customer_id)
    if usable is None or usable.connection_id != payment.connection_id:
        return None
    if usable.updated_at > payment.created_at or not _is_due(invoice, payment):
        return None
    return SavedMethod(
        customer_reference=usable.customer_reference,
        method_reference=usable.method_reference,
        label=usable.label,
    )
