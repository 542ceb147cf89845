"""What an event of a gateway comes to, once the gateway was asked."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import structlog
from sqlmodel import Session

from billing.errors import Rejected, Unavailable
from billing.payments.gateways import (
    Gateway,
    GatewayEvent,
    GatewayPayment,
    GatewayRefund,
    GatewayStatus,
    RefundRequest,
)
from billing.payments.states import EventStatus
from services.payments.events import Verdict
from services.payments.reversals import accept_dispute, accept_refund
from services.payments.told import Unattributed, accept_payment, attribute

log = structlog.get_logger(__name__)


async def look_up_payment(gateway: Gateway, event: GatewayEvent) -> GatewayPayment | None:
    """The payment that an event is about, as the gateway knows it now.

    A try that failed is no money: if it has no name by which it can be asked for, it is what was
    told of it.
    """
    if event.payment is None:
        about = event.refund or event.dispute
        assert about is not None
        return await gateway.find_payment(reference=about.payment_reference, key=None)
    found = await gateway.find_payment(reference=event.payment.references[0], key=None)
    if found is None and event.payment.status is GatewayStatus.FAILED:
        return event.payment
    return found


async def look_up_refund(gateway: Gateway, event: GatewayEvent) -> GatewayRefund | None:
    """A refund of ours as the gateway knows it now, None if it does not.

    What was told, where it has no key of ours: no more of that is recorded than the payment says.
    """
    told = event.refund
    if told is None or told.idempotency_key is None:
        return told
    return await gateway.find_refund(
        payment_reference=told.payment_reference, key=told.idempotency_key
    )


async def refund_again(gateway: Gateway, request: RefundRequest) -> GatewayRefund:
    """What became of a refund that was asked for before, without an answer that anybody kept.

    It may have been sent, so that a no ends nothing: a key that was rolled is replaced. Raises
    Unavailable.
    """
    try:
        told = await gateway.find_refund(
            payment_reference=request.payment_reference, key=request.idempotency_key
        )
        return await gateway.refund(request) if told is None else told
    except Rejected as refusal:
        raise Unavailable(refusal.detail, code=refusal.code) from refusal


def judge(
    session: Session,
    key: tuple[UUID, UUID],
    event: GatewayEvent,
    found: tuple[GatewayPayment | None, GatewayRefund | None],
    *,
    now: datetime,
) -> Verdict:
    """What was found is recorded; the verdict says of what. ``key`` is of the connection.

    A payment is recorded before what became of it, whatever was told first. Raises Unavailable
    where it is too early to say.
    """
    told, refund = found
    if told is None:
        reason = "The gateway does not know the payment that it told of."
        return Verdict(status=EventStatus.NEEDS_ATTENTION, reason=reason)
    organization_id, connection_id = key
    try:
        invoice = attribute(session, organization_id, connection_id, told)
    except Unattributed as unattributed:
        return unattributed.verdict
    payment = accept_payment(session, invoice, connection_id, told, now=now)
    if refund is not None:
        return accept_refund(session, invoice, payment, refund, confirmed=told, now=now)
    if event.refund is not None:
        return Verdict(
            status=EventStatus.NEEDS_ATTENTION,
            reason="The gateway does not know the refund that it told of.",
            invoice_id=invoice.id,
            payment_id=payment.id,
        )
    if event.dispute is not None:
        return accept_dispute(session, payment, connection_id, event.dispute, now=now)
    return Verdict(status=EventStatus.PROCESSED, invoice_id=invoice.id, payment_id=payment.id)


async def close_page(gateway: Gateway, reference: str) -> Sequence[GatewayPayment]:
    """Nothing can be paid on a link's page any more; gives what was tried there.

    Money that was on its way when it closed is among it, and arrives all the same. Raises
    Unavailable, and Rejected where the gateway knows of no such page.
    """
    with suppress(Rejected):  # It is over already, which is seen below.
        await gateway.expire_link(reference)
    return await gateway.list_payments(reference)


def record_paid(
    session: Session, key: tuple[UUID, UUID], told: GatewayPayment, *, now: datetime
) -> None:
    """Money that was found on a link's page is recorded, as if it had been told. Idempotent."""
    organization_id, connection_id = key
    try:
        invoice = attribute(session, organization_id, connection_id, told)
    except Unattributed as unattributed:
        # The page was of this organization's, so that somebody changed what its gateway knows.
        log.exception(
            "payment_unattributed",
            organization_id=str(organization_id),
            connection_id=str(connection_id),
            reason=unattributed.verdict.reason,
        )
        return
    accept_payment(session, invoice, connection_id, told, now=now)
