"""Payments of the sandbox gateway: they end as the button on the page, or the plan, says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from billing.errors import Conflict, InvalidInput
from billing.payments.gateways import GatewayStatus
from integrations.gateways.sandbox.faults import Faults, find_plan
from integrations.gateways.sandbox.ledger import outbox
from integrations.gateways.sandbox.ledger.books import new_reference
from integrations.gateways.sandbox.ledger.customers import (
    count_declined,
    find_customer,
    method_told,
    remember,
    require_method,
)
from integrations.gateways.sandbox.ledger.links import find_link, require_payable
from integrations.gateways.sandbox.ledger.tables import Outcome, payment
from integrations.gateways.sandbox.wire import (
    ChargeAsked,
    EventType,
    LinkAsked,
    MethodTold,
    PaymentTold,
)

SETTLED_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a payment ends, and what is said of it."""

    status: GatewayStatus
    error_code: str | None = None
    error: str | None = None
    is_declined_for_good: bool = False


SUCCEEDED: Final = Ending(status=GatewayStatus.SUCCEEDED)
DECLINED: Final = Ending(
    status=GatewayStatus.FAILED,
    error_code="insufficient_funds",
    error="The card has insufficient funds.",
)
PENDING: Final = Ending(status=GatewayStatus.PENDING)
ENDINGS: Final = {
    Outcome.SUCCESS: SUCCEEDED,
    Outcome.UNKNOWN: SUCCEEDED,
    Outcome.PENDING: PENDING,
    Outcome.FAILURE: DECLINED,
    Outcome.DECLINED_FOR_GOOD: Ending(
        status=GatewayStatus.FAILED,
        error_code="stolen_card",
        error="The card was reported stolen.",
        is_declined_for_good=True,
    ),
}
EVENTS: Final = {
    GatewayStatus.PENDING: EventType.PAYMENT_PENDING,
    GatewayStatus.SUCCEEDED: EventType.PAYMENT_SUCCEEDED,
    GatewayStatus.FAILED: EventType.PAYMENT_FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A payment that was tried, and whether whoever tried it is told."""

    payment: PaymentTold
    is_answer_lost: bool


def pay_link(connection: Connection, token: str, outcome: Outcome, *, now: datetime) -> Tried:
    """The payment that a button on the page of a link made. It ends likewise the next time.

    Raises NotFound, Conflict ``link_expired`` or ``link_paid``: a link is paid once, unless the
    plan has its page take another one.
    """
    paid = find_link(connection, token, locks=True)
    faults = find_plan(connection, paid.account_id, paid.customer_id)
    taken: int = connection.execute(
        select(func.count()).where(
            payment.c.link_id == paid.id, payment.c.status != GatewayStatus.FAILED
        )
    ).scalar_one()
    if taken and not faults.is_payable_again:
        raise Conflict("The link is paid.", code="link_paid")
    if paid.expired_at is not None:
        raise Conflict("The link has expired.", code="link_expired")
    method_reference = remember(connection, paid.account_id, paid.customer_id, outcome, now=now)
    told = _record(
        connection,
        paid.account_id,
        LinkAsked(
            organization_id=paid.organization_id,
            invoice_id=paid.invoice_id,
            customer_id=paid.customer_id,
            invoice_number=paid.invoice_number,
            amount_minor=paid.amount_minor,
            currency=paid.currency,
        ),
        outcome,
        faults=faults,
        now=now,
        method_reference=method_reference,
        link_id=paid.id,
        turn=taken,
    )
    return Tried(payment=told, is_answer_lost=outcome is Outcome.UNKNOWN)


def charge(
    connection: Connection, account_id: UUID, asked: ChargeAsked, *, key: str, now: datetime
) -> Tried:
    """The payment by a saved method. It ends like the one last made on the customer's page.

    Raises InvalidInput, NotFound for a method that nobody saved. Source: CREDITS 21.
    """
    require_payable(asked)
    method = require_method(connection, account_id, asked.method_reference)
    if method.customer_id != asked.customer_id:
        raise InvalidInput("The method is another customer's.", field="method_reference")
    outcome = Outcome(method.outcome)
    told = _record(
        connection,
        account_id,
        asked,
        outcome,
        faults=find_plan(connection, account_id, asked.customer_id),
        now=now,
        method_reference=method.method_reference,
        key=key,
    )
    return Tried(payment=told, is_answer_lost=outcome is Outcome.UNKNOWN)


def _record(
    connection: Connection,
    account_id: UUID,
    asked: LinkAsked,
    outcome: Outcome,
    *,
    faults: Faults,
    now: datetime,
    method_reference: str,
    key: str | None = None,
    link_id: str | None = None,
    turn: int = 0,
) -> PaymentTold:
    reference = new_reference("pay")
    subject = key or f"{asked.invoice_id} {turn}"
    ending = ENDINGS[outcome]
    if _declines(connection, account_id, asked.customer_id, faults):
        ending = DECLINED
    elif ending is SUCCEEDED and faults.strikes("pending", subject):
        ending = PENDING
    is_pending = ending.status is GatewayStatus.PENDING
    connection.execute(
        insert(payment).values(
            id=reference,
            account_id=account_id,
            link_id=link_id,
            turn=turn,
            key=key,
            organization_id=asked.organization_id,
            invoice_id=asked.invoice_id,
            customer_id=asked.customer_id,
            amount_minor=asked.amount_minor,
            currency=asked.currency,
            status=ending.status,
            method_reference=method_reference,
            error_code=ending.error_code,
            error=ending.error,
            is_declined_for_good=ending.is_declined_for_good,
            resolves_at=now + timedelta(seconds=faults.pending_seconds) if is_pending else None,
            created_at=now,
            at=now,
        )
    )
    return _announce(connection, account_id, reference, faults=faults, now=now)


def _declines(connection: Connection, account_id: UUID, customer_id: UUID, faults: Faults) -> bool:
    """Whether the plan declines one more payment of the customer, who has one less to come."""
    if not faults.declined_first:
        return False
    declined: int = find_customer(connection, account_id, customer_id).declined_count
    if declined >= faults.declined_first:
        return False
    count_declined(connection, account_id, customer_id)
    return True


def _announce(
    connection: Connection, account_id: UUID, reference: str, *, faults: Faults, now: datetime
) -> PaymentTold:
    [told] = list_payments(connection, account_id, payment.c.id == reference)
    outbox.queue(connection, account_id, EVENTS[told.status], faults=faults, now=now, payment=told)
    return told


def list_payments(
    connection: Connection, account_id: UUID, condition: ColumnElement[bool]
) -> Sequence[PaymentTold]:
    """The account's payments of which the condition is true, the newest last."""
    rows = connection.execute(
        select(payment)
        .where(payment.c.account_id == account_id, condition)
        .order_by(payment.c.created_at, payment.c.id)
    )
    return [_told(row) for row in rows]


def resolve_due(connection: Connection, *, now: datetime) -> bool:
    """A batch of payments that were pending long enough have ended. Whether there may be more."""
    rows = connection.execute(
        select(payment)
        .where(payment.c.status == GatewayStatus.PENDING, payment.c.resolves_at <= now)
        .order_by(payment.c.resolves_at)
        .limit(SETTLED_AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        faults = find_plan(connection, row.account_id, row.customer_id)
        fails = faults.strikes("pending_fails", row.key or row.invoice_id)
        ending = DECLINED if fails else SUCCEEDED
        connection.execute(
            update(payment)
            .where(payment.c.id == row.id)
            .values(
                status=ending.status,
                error_code=ending.error_code,
                error=ending.error,
                resolves_at=None,
                at=now,
            )
        )
        _announce(connection, row.account_id, row.id, faults=faults, now=now)
    return len(rows) == SETTLED_AT_ONCE


def find_next_resolved(connection: Connection) -> datetime | None:
    """When the first payment that is pending ends, None if none is."""
    found: datetime | None = connection.execute(
        select(func.min(payment.c.resolves_at)).where(payment.c.status == GatewayStatus.PENDING)
    ).scalar_one()
    return found


def _told(row: Row[Any]) -> PaymentTold:
    status = GatewayStatus(row.status)
    # A page takes the method before it charges it, so a decline that may pass leaves it saved.
    was_taken = status is GatewayStatus.FAILED and row.link_id is not None
    is_saved = status is GatewayStatus.SUCCEEDED or (was_taken and not row.is_declined_for_good)
    return PaymentTold(
        id=row.id,
        status=status,
        amount_minor=row.amount_minor,
        refunded_minor=row.refunded_minor,
        currency=row.currency,
        at=row.at,
        organization_id=row.organization_id,
        invoice_id=row.invoice_id,
        customer_id=row.customer_id,
        key=row.key,
        link=row.link_id,
        saved_method=_method_of(row) if is_saved else None,
        error_code=row.error_code,
        error=row.error,
        is_declined_for_good=row.is_declined_for_good,
    )


def _method_of(row: Row[Any]) -> MethodTold | None:
    reference: str | None = row.method_reference
    return None if reference is None else method_told(row.customer_id, reference)
