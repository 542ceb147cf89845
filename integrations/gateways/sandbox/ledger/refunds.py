"""Refunds and disputes of the sandbox gateway: never more goes back than was paid."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, insert, select, update

from billing.errors import Conflict, InvalidInput, NotFound
from billing.payments.gateways import GatewayStatus
from integrations.gateways.sandbox.faults import find_plan
from integrations.gateways.sandbox.ledger import outbox
from integrations.gateways.sandbox.ledger.books import new_reference
from integrations.gateways.sandbox.ledger.links import require_amount
from integrations.gateways.sandbox.ledger.tables import DisputeStatus, dispute, payment, refund
from integrations.gateways.sandbox.wire import (
    DisputeTold,
    EventType,
    RefundAsked,
    RefundTold,
)

_STEPS: Final = {
    (None, DisputeStatus.OPEN),
    (DisputeStatus.OPEN, DisputeStatus.WON),
    (DisputeStatus.OPEN, DisputeStatus.LOST),
}


class DisputeAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the customer's bank says of a payment: it is called back, or the matter is decided."""

    payment: str
    status: DisputeStatus = DisputeStatus.OPEN
    reason: str | None = None


def make_refund(
    connection: Connection, account_id: UUID, asked: RefundAsked, *, key: str, now: datetime
) -> RefundTold:
    """The refund that was made. Raises NotFound, InvalidInput, Conflict.

    ``refund_too_large``: together with what went back before it is more than was paid.
    """
    require_amount(asked.amount_minor, asked.currency)
    paid = _require_paid(connection, account_id, asked.payment)
    if paid.currency != asked.currency:
        raise InvalidInput("The payment is in another currency.", field="currency")
    if paid.refunded_minor + asked.amount_minor > paid.amount_minor:
        raise Conflict("More goes back than was paid.", code="refund_too_large")
    faults = find_plan(connection, account_id, paid.customer_id)
    fails = faults.strikes("refund_fails", key)
    told = RefundTold(
        id=new_reference("ref"),
        payment=paid.id,
        status=GatewayStatus.FAILED if fails else GatewayStatus.SUCCEEDED,
        amount_minor=asked.amount_minor,
        currency=asked.currency,
        at=now,
        key=key,
        error="The card takes nothing back." if fails else None,
    )
    _record(connection, account_id, told)
    event = EventType.REFUND_FAILED if fails else EventType.REFUND_SUCCEEDED
    outbox.queue(connection, account_id, event, faults=faults, now=now, refund=told)
    return told


def _record(connection: Connection, account_id: UUID, told: RefundTold) -> None:
    connection.execute(
        insert(refund).values(
            id=told.id,
            account_id=account_id,
            payment_id=told.payment,
            key=told.key,
            amount_minor=told.amount_minor,
            currency=told.currency,
            status=told.status,
            error=told.error,
            at=told.at,
        )
    )
    if told.status is GatewayStatus.SUCCEEDED:
        connection.execute(
            update(payment)
            .where(payment.c.id == told.payment)
            .values(refunded_minor=payment.c.refunded_minor + told.amount_minor)
        )


def find_refund(
    connection: Connection, account_id: UUID, *is_it: ColumnElement[bool]
) -> RefundTold | None:
    """The one refund of which that is true, None if there is none."""
    row = connection.execute(
        select(refund).where(refund.c.account_id == account_id, *is_it)
    ).one_or_none()
    if row is None:
        return None
    return RefundTold(
        id=row.id,
        payment=row.payment_id,
        status=GatewayStatus(row.status),
        amount_minor=row.amount_minor,
        currency=row.currency,
        at=row.at,
        key=row.key,
        error=row.error,
    )


def find_dispute(connection: Connection, account_id: UUID, reference: str) -> DisputeTold | None:
    """The dispute of that name, None if there is none."""
    row = connection.execute(
        select(dispute, payment.c.amount_minor, payment.c.currency)
        .join(payment, payment.c.id == dispute.c.payment_id)
        .where(dispute.c.account_id == account_id, dispute.c.id == reference)
    ).one_or_none()
    if row is None:
        return None
    return DisputeTold(
        id=row.id,
        payment=row.payment_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        status=row.status,
        reason=row.reason,
        at=row.at,
    )


def set_dispute(
    connection: Connection, account_id: UUID, asked: DisputeAsked, *, now: datetime
) -> DisputeTold:
    """The payment's dispute is as asked for. Idempotent. Raises NotFound, Conflict."""
    paid = _require_paid(connection, account_id, asked.payment)
    found = connection.execute(select(dispute).where(dispute.c.payment_id == paid.id)).one_or_none()
    told = DisputeTold(
        id=new_reference("dis") if found is None else found.id,
        payment=paid.id,
        amount_minor=paid.amount_minor,
        currency=paid.currency,
        status=asked.status,
        reason=asked.reason if found is None else found.reason,
        at=now,
    )
    if found is not None and found.status == told.status:
        return told
    before = None if found is None else DisputeStatus(found.status)
    if (before, asked.status) not in _STEPS:
        raise Conflict("The dispute is decided, or there is none.", code="dispute_decided")
    if before is None:
        connection.execute(
            insert(dispute).values(
                id=told.id,
                account_id=account_id,
                payment_id=paid.id,
                status=told.status,
                reason=told.reason,
                at=now,
            )
        )
    else:
        connection.execute(
            update(dispute).where(dispute.c.id == told.id).values(status=told.status, at=now)
        )
    event = EventType.DISPUTE_OPENED if before is None else EventType.DISPUTE_CLOSED
    faults = find_plan(connection, account_id, paid.customer_id)
    outbox.queue(connection, account_id, event, faults=faults, now=now, dispute=told)
    return told


def _require_paid(connection: Connection, account_id: UUID, reference: str) -> Row[Any]:
    """The payment, locked. Raises NotFound, Conflict ``not_paid``."""
    found = connection.execute(
        select(payment)
        .where(payment.c.account_id == account_id, payment.c.id == reference)
        .with_for_update()
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such payment.")
    if found.status != GatewayStatus.SUCCEEDED:
        raise Conflict("The payment did not succeed.", code="not_paid")
    return found
