"""Refunds and disputes that gateways tell of, whether anybody here asked for them or not.

Source: CONTRACT section 6 (Payments).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict, Unavailable
from billing.money import ZERO, exactly
from billing.payments.gateways import GatewayDispute, GatewayPayment, GatewayRefund, GatewayStatus
from billing.payments.kinds import PaymentStatus, RefundKind, RefundStatus
from billing.payments.states import EventStatus
from models.base import new_id
from models.invoicing.invoices import Invoice
from models.payments.events import Dispute
from models.payments.payments import Payment, Refund
from repositories.payments import events as stored_events
from repositories.payments import payments as stored_payments
from services import customer_accounts
from services.audit_log import record
from services.payments import refunds
from services.payments.events import Verdict
from services.payments.recording import present_of

LOST: Final = "lost"
WON: Final = "won"
NOT_PAID: Final = "The payment that was called back has not succeeded."
DECIDED: Final = frozenset({LOST, WON})


def accept_refund(
    session: Session,
    invoice: Invoice,
    payment: Payment,
    told: GatewayRefund,
    *,
    confirmed: GatewayPayment,
    asked_at: datetime,
    now: datetime,
) -> Verdict:
    """A refund that we asked for has its end; one that nobody here asked for is recorded once.

    ``confirmed`` is the payment as the gateway knows it: no more is recorded than that says went
    back. Raises Unavailable while one of ours may be what is told.
    """
    made = stored_payments.list_refunds(session, payment.organization_id, [payment.id])
    ours = _find_ours(made, told)
    if ours is not None:
        locked = stored_payments.lock_refund(session, ours.organization_id, ours.id)
        assert locked is not None
        settle_told(session, invoice, payment, locked, told, asked_at=asked_at, now=now)
        return _verdict(EventStatus.PROCESSED, payment)
    if told.status is not GatewayStatus.SUCCEEDED:
        return _verdict(EventStatus.IGNORED, payment, "Nobody here asked for it, and nothing went.")
    if any(one.status == RefundStatus.PENDING and one.reference is None for one in made):
        raise Unavailable("A refund of ours may be the one that is told.")
    return _record_foreign(session, payment, made, told, confirmed=confirmed, now=now)


def settle_told(
    session: Session,
    invoice: Invoice,
    payment: Payment,
    made: Refund,
    told: GatewayRefund,
    *,
    asked_at: datetime,
    now: datetime,
) -> None:
    """A refund of ours has the end that its gateway tells. Idempotent. All three are locked.

    Another end than before is believed if it was asked for after that one was recorded. Raises
    Unavailable where it has to be asked for again.
    """
    if made.reference is None:
        made.reference = told.reference
        session.add(made)
        session.flush()
    if told.status is GatewayStatus.PENDING or made.status == told.status:
        return
    if made.status != RefundStatus.PENDING and asked_at < (made.changed_at or made.created_at):
        raise Unavailable("The refund changed meanwhile.")
    if told.status is GatewayStatus.FAILED:
        refunds.fail(session, invoice, payment, made, error=told.error, at=made.at, now=now)
    elif made.status == RefundStatus.PENDING:
        refunds.settle(session, made, at=made.at, now=now)
    else:
        refunds.send_again(session, invoice, payment, made, now=now)


@exactly
def accept_dispute(
    session: Session,
    invoice: Invoice,
    payment: Payment,
    connection_id: UUID,
    told: GatewayDispute,
    *,
    asked_at: datetime,
    now: datetime,
) -> Verdict:
    """The dispute is known, in its last state; one that was lost is money that went back.

    All of it is, beyond what was left of the payment as well, and what the gateway took for it.
    Idempotent by the gateway's name for it. What was decided is open no more; decided otherwise
    later, the money comes back, or goes again. Raises Unavailable while a refund of ours is on its
    way that may take of it.
    """
    where = (invoice, payment, connection_id)
    dispute = _keep_dispute(session, *where, told, asked_at=asked_at, now=now)
    if dispute.refund_id is not None:
        _follow_decision(session, dispute, now=now)
    if dispute.status != LOST or dispute.refund_id is not None:
        return _verdict(EventStatus.PROCESSED, payment)
    left = payment.amount - payment.refunded_amount
    if told.amount > left and _has_pending(session, payment):
        raise Unavailable("A refund of ours is on its way.")
    if payment.status != PaymentStatus.SUCCEEDED:
        return _verdict(EventStatus.NEEDS_ATTENTION, payment, NOT_PAID)
    try:
        made = refunds.refund(
            session,
            payment.organization_id,
            payment.id,
            told.amount,
            reason=told.reason,
            reference=told.reference,
            kind=RefundKind.DISPUTE,
            now=now,
        )
    except Conflict as conflict:
        return _verdict(EventStatus.NEEDS_ATTENTION, payment, conflict.detail)
    dispute.refund_id = made.id
    session.add(dispute)
    session.flush()
    return _verdict(EventStatus.PROCESSED, payment)


def _find_ours(made: Sequence[Refund], told: GatewayRefund) -> Refund | None:
    for one in made:
        if told.reference == one.reference or told.idempotency_key == one.idempotency_key:
            return one
    return None


@exactly
def _record_foreign(
    session: Session,
    payment: Payment,
    made: Sequence[Refund],
    told: GatewayRefund,
    *,
    confirmed: GatewayPayment,
    now: datetime,
) -> Verdict:
    known = sum(
        (
            one.amount
            for one in made
            if one.kind == RefundKind.REFUND and one.status != RefundStatus.FAILED
        ),
        Decimal(0),
    )
    sent = min(told.amount, confirmed.refunded_amount - known)
    if sent <= ZERO:
        return _verdict(EventStatus.IGNORED, payment, "The gateway knows of no such refund.")
    try:
        refunds.refund(
            session,
            payment.organization_id,
            payment.id,
            sent,
            reason="It was sent at the gateway.",
            reference=told.reference,
            is_sent=True,
            now=now,
        )
    except Conflict as conflict:
        return _verdict(EventStatus.NEEDS_ATTENTION, payment, conflict.detail)
    return _verdict(EventStatus.PROCESSED, payment)


def _has_pending(session: Session, payment: Payment) -> bool:
    made = stored_payments.list_refunds(session, payment.organization_id, [payment.id])
    return any(one.status == RefundStatus.PENDING for one in made)


def _follow_decision(session: Session, dispute: Dispute, *, now: datetime) -> None:
    """What a dispute took is gone while it is lost, and with the payment once it is won."""
    assert dispute.refund_id is not None
    locked = refunds.lock_refund(session, dispute.organization_id, dispute.refund_id)
    made = locked[2]
    if dispute.status == LOST and made.status == RefundStatus.FAILED:
        refunds.send_again(session, *locked, now=now)
    elif dispute.status == WON and made.status == RefundStatus.SUCCEEDED:
        refunds.fail(session, *locked, error="The dispute was won.", at=made.at, now=now)


def _keep_dispute(
    session: Session,
    invoice: Invoice,
    payment: Payment,
    connection_id: UUID,
    told: GatewayDispute,
    *,
    asked_at: datetime,
    now: datetime,
) -> Dispute:
    organization_id = payment.organization_id
    dispute = stored_events.lock_dispute(session, organization_id, connection_id, told.reference)
    if dispute is None:
        dispute = Dispute(
            organization_id=organization_id,
            id=new_id(),
            payment_id=payment.id,
            connection_id=connection_id,
            reference=told.reference,
            amount=told.amount,
            currency=payment.currency,
            status=told.status,
            reason=told.reason,
            at=told.at,
            updated_at=now,
        )
    elif not (_is_in_another_state(dispute, told) or _has_another_fee(dispute, told)):
        return dispute
    elif asked_at < dispute.updated_at:
        raise Unavailable("The dispute changed meanwhile.")
    else:
        _change(dispute, told, now=now)
    session.add(dispute)
    session.flush()
    after = {"payment_id": payment.id, "status": dispute.status, "amount": dispute.amount}
    record(session, organization_id, "dispute.told", "dispute", dispute.id, after=after, now=now)
    _follow_fee(session, invoice, payment, dispute, told, now=now)
    return dispute


def _is_in_another_state(dispute: Dispute, told: GatewayDispute) -> bool:
    """What was decided is open no more."""
    may_follow = told.status in DECIDED or dispute.status not in DECIDED
    return may_follow and told.status != dispute.status


def _has_another_fee(dispute: Dispute, told: GatewayDispute) -> bool:
    return told.fee is not None and told.fee != dispute.fee_amount


def _change(dispute: Dispute, told: GatewayDispute, *, now: datetime) -> None:
    dispute.updated_at = now
    if _is_in_another_state(dispute, told):
        dispute.status = told.status
    if dispute.refund_id is None:
        # A bank may settle for part of it before it decides.
        dispute.amount = told.amount


@exactly
def _follow_fee(
    session: Session,
    invoice: Invoice,
    payment: Payment,
    dispute: Dispute,
    told: GatewayDispute,
    *,
    now: datetime,
) -> None:
    """Cash is less by what the gateway took for the dispute, which is nobody's but ours."""
    if told.fee is None or not _has_another_fee(dispute, told):
        return
    more = told.fee - dispute.fee_amount
    dispute.fee_amount = told.fee
    dispute.fee_turn += 1
    session.add(dispute)
    session.flush()
    customer_accounts.post_fee(
        session,
        payment,
        more,
        key=f"{dispute.id}/{dispute.fee_turn}",
        at=present_of(session, invoice, now=now),
        now=now,
    )


def _verdict(status: EventStatus, payment: Payment, reason: str | None = None) -> Verdict:
    return Verdict(
        status=status, reason=reason, invoice_id=payment.invoice_id, payment_id=payment.id
    )
