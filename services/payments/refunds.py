"""Money that goes back: never more than was paid, and never twice.

A refund is a row and taken off the customer's account before a gateway is asked; if the gateway
says no, it is put back. It does not change the invoice's status. Source: CONTRACT section 6
(Payments).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict
from billing.money import exactly, find_currency
from billing.payments.amounts import require_amount
from billing.payments.kinds import PaymentStatus, RefundKind, RefundStatus
from billing.payments.refunds import RefundSplit, split_refund
from billing.payments.states import TaskKind
from models.base import new_id
from models.invoicing.invoices import Invoice
from models.payments.payments import Payment, Refund
from repositories.payments import payments as stored_payments
from services import customer_accounts
from services.audit_log import record
from services.documents.locks import lock_invoice
from services.payments import receivables, repeats, tasks
from services.payments.recording import present_of
from services.payments.tasks import Subject
from services.required import not_found


@exactly
def refund(
    session: Session,
    organization_id: UUID,
    payment_id: UUID,
    amount: Decimal | None,
    *,
    reason: str | None = None,
    reference: str | None = None,
    kind: RefundKind = RefundKind.REFUND,
    is_sent: bool = False,
    now: datetime,
) -> Refund:
    """Part of a payment, or what is left of it, goes back; by hand it is back at once.

    One through a gateway is pending until the gateway was asked, unless ``is_sent`` says that the
    gateway tells of it: then the customer owes what later invoices took, and what had gone back
    before. The same asked for again within a minute, or under the same reference, is the refund
    that was made. Raises NotFound, Conflict ``payment_not_refundable``,
    ``refund_exceeds_payment``, ``credit_spent``.
    """
    invoice, payment = lock_paid_invoice(session, organization_id, payment_id)
    if payment.status != PaymentStatus.SUCCEEDED:
        raise Conflict(
            f"A {payment.status} payment cannot be refunded.", code="payment_not_refundable"
        )
    if amount is not None:
        require_amount(amount, find_currency(payment.currency))
    at = present_of(session, invoice, now=now)
    said = (reason, reference)
    repeated = repeats.find_refund(session, payment, amount, said, at=at, now=now)
    if repeated is not None:
        return repeated
    wanted = payment.amount - payment.refunded_amount if amount is None else amount
    has_gone = is_sent or kind is RefundKind.DISPUTE
    split = _split(session, invoice, payment, wanted, has_gone=has_gone)
    made = _make(session, payment, split, kind, said, at=at, now=now)
    receivables.take_back(session, invoice, payment, made, at=at, now=now)
    if payment.connection_id is None or has_gone:
        settle(session, made, at=at, now=now)
    else:
        _ask(session, made, payment.connection_id, now=now)
    _record(session, payment, made, "payment.refunded", now=now)
    return made


def lock_paid_invoice(
    session: Session, organization_id: UUID, payment_id: UUID
) -> tuple[Invoice, Payment]:
    """The payment and its invoice with their rows locked, the invoice first. Raises NotFound."""
    found = stored_payments.find_payment(session, organization_id, payment_id)
    if found is None:
        raise not_found("Payment")
    invoice, _ = lock_invoice(session, organization_id, found.invoice_id)
    payment = stored_payments.lock_payment(session, organization_id, payment_id)
    assert payment is not None
    return invoice, payment


def lock_refund(
    session: Session, organization_id: UUID, refund_id: UUID
) -> tuple[Invoice, Payment, Refund]:
    """A refund with its invoice and payment, all locked in the order that everybody keeps."""
    found = stored_payments.find_refund(session, organization_id, refund_id)
    assert found is not None, "refunds are never deleted"
    invoice, payment = lock_paid_invoice(session, organization_id, found.payment_id)
    made = stored_payments.lock_refund(session, organization_id, refund_id)
    assert made is not None
    return invoice, payment, made


def settle(session: Session, made: Refund, *, at: datetime, now: datetime) -> None:
    """The money went back. Idempotent: a refund that has an end keeps it."""
    if made.status == RefundStatus.PENDING:
        made.status, made.settled_at, made.changed_at = RefundStatus.SUCCEEDED, at, now
        session.add(made)
        session.flush()


def _record(
    session: Session, payment: Payment, made: Refund, action: str, *, now: datetime
) -> None:
    record(
        session,
        payment.organization_id,
        action,
        "payment",
        payment.id,
        after={
            "refund_id": made.id,
            "amount": made.amount,
            "owed_amount": made.owed_amount,
            "excess_amount": made.excess_amount,
            "currency": payment.currency,
        },
        now=now,
    )


def _ask(session: Session, made: Refund, connection_id: UUID, *, now: datetime) -> None:
    """The gateway is asked for it once this is stored."""
    about = Subject(organization_id=made.organization_id, connection_id=connection_id, id=made.id)
    tasks.queue(session, TaskKind.REFUND, [about], now=now)


def fail(
    session: Session,
    invoice: Invoice,
    payment: Payment,
    made: Refund,
    *,
    error: str | None,
    at: datetime,
    now: datetime,
) -> None:
    """The gateway did not send it, or has it back: the payment has it again. Idempotent."""
    if made.status == RefundStatus.FAILED:
        return
    if made.status == RefundStatus.SUCCEEDED:
        at = present_of(session, invoice, now=now)
        _record(session, payment, made, "payment.refund_came_back", now=now)
    made.status, made.error = RefundStatus.FAILED, error
    made.settled_at, made.changed_at = at, now
    session.add(made)
    receivables.give_again(session, invoice, payment, made, at=at, now=now)


def send_again(
    session: Session, invoice: Invoice, payment: Payment, made: Refund, *, now: datetime
) -> None:
    """What had failed went back after all, by another turn of the same row. Idempotent."""
    if made.status != RefundStatus.FAILED:
        return
    at = present_of(session, invoice, now=now)
    split = _split(session, invoice, payment, made.amount, has_gone=True)
    made.status, made.error, made.turn = RefundStatus.SUCCEEDED, None, made.turn + 1
    made.settled_at, made.changed_at = at, now
    made.from_invoice, made.from_credit = split.from_invoice, split.from_credit
    made.against_notes = split.against_notes
    made.owed_amount, made.excess_amount = split.owed, split.excess
    session.add(made)
    receivables.take_back(session, invoice, payment, made, at=at, now=now)
    _record(session, payment, made, "payment.refunded", now=now)


def _split(
    session: Session, invoice: Invoice, payment: Payment, wanted: Decimal, *, has_gone: bool
) -> RefundSplit:
    key = (payment.organization_id, payment.customer_id, payment.currency)
    return split_refund(
        wanted,
        paid=payment.amount,
        applied=payment.applied_amount,
        refunded=payment.refunded_amount,
        credit=customer_accounts.available_credit(session, *key, lock=True),
        noted=stored_payments.get_unpaid_notes(session, payment.organization_id, invoice.id),
        has_gone=has_gone,
    )


def _make(
    session: Session,
    payment: Payment,
    split: RefundSplit,
    kind: RefundKind,
    said: tuple[str | None, str | None],
    *,
    at: datetime,
    now: datetime,
) -> Refund:
    earlier = stored_payments.list_refunds(session, payment.organization_id, [payment.id])
    sequence = len(earlier) + 1
    made = Refund(
        organization_id=payment.organization_id,
        id=new_id(),
        payment_id=payment.id,
        sequence=sequence,
        kind=kind,
        reference=said[1],
        amount=split.from_credit + split.from_invoice + split.owed,
        from_invoice=split.from_invoice,
        from_credit=split.from_credit,
        against_notes=split.against_notes,
        owed_amount=split.owed,
        excess_amount=split.excess,
        status=RefundStatus.PENDING,
        idempotency_key=f"{payment.idempotency_key}/refund/{sequence}",
        reason=said[0],
        at=at,
        created_at=now,
    )
    session.add(made)
    session.flush()
    return made
