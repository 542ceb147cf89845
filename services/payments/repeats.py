"""What is asked for twice within a minute: the second time it is what was done the first time.

Without an Idempotency-Key nothing tells a repeat from another wish but time. The caller holds the
locks, so that of eight requests at once seven find what the first one did.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlmodel import Session

from billing.errors import Conflict
from billing.money import ZERO
from billing.payments.kinds import PaymentKind, RefundKind, RefundStatus
from models.payments.payments import Payment, Refund
from repositories.payments import payments as stored_payments

REPEATED = timedelta(minutes=1)
"""How long the same counts as a repeat, not as another one."""


def is_recent(created_at: datetime, happened_at: datetime, *, at: datetime, now: datetime) -> bool:
    """Whether less than a minute has passed since, of the wall and of the customer's clock."""
    return created_at > now - REPEATED and happened_at > at - REPEATED


def find_payment(
    session: Session,
    organization_id: UUID,
    invoice_id: UUID,
    said: tuple[Decimal, str | None, str | None],
    *,
    at: datetime,
    now: datetime,
) -> Payment | None:
    """The payment by hand of the same amount, method and reference, less than a minute ago.

    One of which something went back since is none: it was followed by a decision of its own.
    """
    for made in stored_payments.list_of_invoice(session, organization_id, invoice_id):
        same = (made.amount, made.method, made.reference) == said
        is_by_hand = made.kind == PaymentKind.MANUAL and made.refunded_amount == ZERO
        if same and is_by_hand and is_recent(made.created_at, made.at, at=at, now=now):
            return made
    return None


def find_refund(
    session: Session,
    payment: Payment,
    wanted: Decimal | None,
    said: tuple[str | None, str | None],
    *,
    at: datetime,
    now: datetime,
) -> Refund | None:
    """The refund that a reference names, or the same one of less than a minute ago.

    ``said`` is its reason and its reference. No amount asks for all that is left: it repeats the
    one that left nothing. Raises Conflict ``refund_reference_taken`` for a reference of a refund of
    another amount.
    """
    is_used_up = payment.refunded_amount == payment.amount
    for made in stored_payments.list_refunds(session, payment.organization_id, [payment.id]):
        is_same = made.amount == wanted or (wanted is None and is_used_up)
        if said[1] is not None and made.reference == said[1]:
            if is_same:
                return made
            raise Conflict(
                f"The payment has a refund of {made.amount} with this reference.",
                code="refund_reference_taken",
                field="reference",
            )
        if made.kind != RefundKind.REFUND or made.status == RefundStatus.FAILED:
            continue
        same = is_same and (made.reason, made.reference) == said
        if same and is_recent(made.created_at, made.at, at=at, now=now):
            return made
    return None
